// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { type Descriptor, type Digest, type Manifest, parseDigest, referencedBy } from '../registry/index.ts';
import { openSqlite } from '../service/database/index.ts';
import type { ImageName } from './names.ts';

/** A manifest that was checked against its digest. */
export interface KnownManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

interface Tables {
  readonly manifest: {
    repository: string;
    digest: string;
    media_type: string;
    bytes: Uint8Array;
    size: number;
    used_at: number;
  };
  readonly edge: { repository: string; parent: string; child: string; media_type: string; size: number };
  readonly tag: { repository: string; digest: string; tag: string };
}

export interface ClosureLimits {
  /** Bytes of all manifests together. */
  readonly bytes: number;
}

const DEFAULT_LIMITS: ClosureLimits = { bytes: 512 * 1024 * 1024 };
/** So much is made free at once, so that not each manifest has to look for room. */
const SLACK = 0.9;
/** An index of an index of images has no more levels. */
const MAX_DEPTH = 4;
const MAX_PARENTS = 10_000;
const EDGES_AT_ONCE = 500;
/** How exact the time of the last use is. */
const RESOLUTION_MILLISECONDS = 3_600_000;

/**
 * What belongs to what: manifests by repository and digest, and what each names. It is derived data of verified bytes: to lose it
 * costs fetching it again. A digest is known in a repository only through that repository's own manifests, so private content
 * does not leak through a digest that others have as well.
 */
export class ClosureStore {
  readonly #database: Kysely<Tables>;
  readonly #limits: ClosureLimits;
  readonly #clock: () => Date;
  #bytes = 0;

  private constructor(database: Kysely<Tables>, clock: () => Date, limits: ClosureLimits) {
    this.#database = database;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** @throws DatabaseOpenError */
  static async open(path: string, clock: () => Date, limits: Partial<ClosureLimits> = {}): Promise<ClosureStore> {
    const database = openSqlite<Tables>(path);
    for (const statement of SCHEMA) await sql.raw(statement).execute(database);
    const store = new ClosureStore(database, clock, { ...DEFAULT_LIMITS, ...limits });
    const { total } = await database
      .selectFrom('manifest')
      .select((query) => query.fn.coalesce(query.fn.sum<number>('size'), sql<number>`0`).as('total'))
      .executeTakeFirstOrThrow();
    store.#bytes = Number(total);
    return store;
  }

  async manifest(image: ImageName, digest: Digest): Promise<KnownManifest | undefined> {
    const row = await this.#database
      .selectFrom('manifest')
      .select(['media_type', 'bytes', 'used_at'])
      .where('repository', '=', nameOf(image))
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (this.#clock().getTime() - row.used_at > RESOLUTION_MILLISECONDS) await this.#touch(image, digest);
    return { digest, mediaType: row.media_type, bytes: new Uint8Array(row.bytes) };
  }

  /** What cannot be written down is no reason not to serve what was read (S38). */
  async #touch(image: ImageName, digest: Digest): Promise<void> {
    await this.#database
      .updateTable('manifest')
      .set({ used_at: this.#clock().getTime() })
      .where('repository', '=', nameOf(image))
      .where('digest', '=', digest)
      .execute()
      .catch(() => undefined);
  }

  /** Keeps a manifest with what it names, and drops what was not used for longest if that is too much. */
  async keep(image: ImageName, { digest, mediaType, bytes }: KnownManifest, manifest: Manifest): Promise<void> {
    const repository = nameOf(image);
    const children = new Map(referencedBy(manifest).map((child) => [child.digest, child]));
    const edges = [...children.values()].map((child) => ({
      repository,
      parent: digest,
      child: child.digest,
      media_type: child.mediaType,
      size: child.size,
    }));
    const used_at = this.#clock().getTime();
    const added = await this.#database.transaction().execute(async (transaction) => {
      const known = await transaction
        .updateTable('manifest')
        .set({ used_at })
        .where('repository', '=', repository)
        .where('digest', '=', digest)
        .executeTakeFirst();
      if (known.numUpdatedRows > 0n) return 0;
      const row = { repository, digest, media_type: mediaType, bytes, size: bytes.length, used_at };
      await transaction.insertInto('manifest').values(row).execute();
      for (let at = 0; at < edges.length; at += EDGES_AT_ONCE)
        await transaction
          .insertInto('edge')
          .values(edges.slice(at, at + EDGES_AT_ONCE))
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      return bytes.length;
    });
    this.#bytes += added;
    if (this.#bytes > this.#limits.bytes) await this.#makeRoom();
  }

  /** Remembers for which tag a manifest was let through. */
  async tagged(image: ImageName, digest: Digest, tag: string): Promise<void> {
    await this.#database
      .insertInto('tag')
      .values({ repository: nameOf(image), digest, tag })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async tagsOf(image: ImageName, digest: Digest): Promise<readonly string[]> {
    const rows = await this.#database
      .selectFrom('tag')
      .select('tag')
      .where('repository', '=', nameOf(image))
      .where('digest', '=', digest)
      .limit(100)
      .execute();
    return rows.map(({ tag }) => tag);
  }

  /** The manifests that lead to a digest, nearest first; not the digest itself. */
  async ancestors(image: ImageName, digest: Digest): Promise<readonly Digest[]> {
    const repository = nameOf(image);
    const found = new Set<string>();
    for (let depth = 0, level: readonly string[] = [digest]; depth < MAX_DEPTH && level.length > 0; depth++) {
      const rows = await this.#database
        .selectFrom('edge')
        .select('parent')
        .distinct()
        .where('repository', '=', repository)
        .where('child', 'in', level.slice(0, 500))
        .limit(MAX_PARENTS)
        .execute();
      level = rows.map(({ parent }) => parent).filter((parent) => !found.has(parent));
      for (const parent of level) found.add(parent);
    }
    return [...found].map(parseDigest);
  }

  /**
   * How the repository's manifests name this digest; undefined if none does, or if they contradict each other: one of them may have
   * been let through unverified.
   */
  async descriptor(image: ImageName, digest: Digest): Promise<Descriptor | undefined> {
    const [row, other] = await this.#database
      .selectFrom('edge')
      .select(['media_type', 'size'])
      .distinct()
      .where('repository', '=', nameOf(image))
      .where('child', '=', digest)
      .limit(2)
      .execute();
    return row === undefined || other !== undefined ? undefined : { mediaType: row.media_type, digest, size: row.size };
  }

  /** That the database answers. */
  async check(): Promise<void> {
    await sql`select 1`.execute(this.#database);
  }

  async close(): Promise<void> {
    await this.#database.destroy();
  }

  async #makeRoom(): Promise<void> {
    const rows = await this.#database
      .selectFrom('manifest')
      .select(['repository', 'digest', 'size'])
      .orderBy('used_at')
      .limit(1000)
      .execute();
    for (const { repository, digest, size } of rows) {
      if (this.#bytes <= this.#limits.bytes * SLACK) return;
      await this.#database.transaction().execute(async (transaction) => {
        await transaction
          .deleteFrom('edge')
          .where('repository', '=', repository)
          .where('parent', '=', digest)
          .execute();
        await transaction.deleteFrom('tag').where('repository', '=', repository).where('digest', '=', digest).execute();
        await transaction
          .deleteFrom('manifest')
          .where('repository', '=', repository)
          .where('digest', '=', digest)
          .execute();
      });
      this.#bytes -= size;
    }
  }
}

const SCHEMA = [
  `create table if not exists manifest (repository text not null, digest text not null, media_type text not null,
     bytes blob not null, size integer not null, used_at integer not null, primary key (repository, digest)) strict`,
  'create index if not exists manifest_used on manifest (used_at)',
  `create table if not exists edge (repository text not null, child text not null, parent text not null, media_type text not null,
     size integer not null, primary key (repository, child, parent)) strict, without rowid`,
  'create index if not exists edge_parent on edge (repository, parent)',
  `create table if not exists tag (repository text not null, digest text not null, tag text not null,
     primary key (repository, digest, tag)) strict, without rowid`,
];

function nameOf({ domain, path }: ImageName): string {
  return `${domain}/${path}`;
}
