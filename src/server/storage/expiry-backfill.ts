// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { isUniqueViolation } from '../../service/database/index.ts';
import { type Gun, isTopLevel, MetadataError, notaryV1, type RoleName, type Signed, TARGETS } from '../../tuf/index.ts';
import type { StoredFile } from './metadata-storage.ts';
import { writeMoment } from './rows.ts';
import type { MetadataTables } from './schema.ts';

/** Rows looked at in one query. */
const PAGE = 500;

interface Name {
  readonly gun: Gun;
  readonly role: RoleName;
}

/**
 * Makes up the rows of `hallmark_expiry` that are missing, or that are of another file than the newest, since another program
 * wrote to the database. Goes through all files by ID, and remembers how far it has come.
 */
export class ExpiryBackfill {
  readonly #database: Kysely<MetadataTables>;
  readonly #latest: (name: Name) => Promise<StoredFile | undefined>;
  readonly #newestVersion: (name: Name) => Promise<number | undefined>;
  #lastId = 0;

  constructor(
    database: Kysely<MetadataTables>,
    look: {
      latest(name: Name): Promise<StoredFile | undefined>;
      newestVersion(name: Name): Promise<number | undefined>;
    },
  ) {
    this.#database = database;
    this.#latest = look.latest;
    this.#newestVersion = look.newestVersion;
  }

  /** Looks on until `limit` rows were written; less than that says that there is nothing more to look at. */
  async next(limit: number): Promise<number> {
    let done = 0;
    for (;;) {
      const { names, lastId } = await this.#page();
      if (lastId === undefined) {
        this.#lastId = 0;
        return done;
      }
      const known = await this.#known(names);
      for (const name of names) {
        if (done === limit) return done;
        if (await this.#settle(name, known.get(keyOf(name)))) done++;
      }
      this.#lastId = lastId;
    }
  }

  async #page(): Promise<{ readonly names: readonly Name[]; readonly lastId: number | undefined }> {
    const rows = await this.#database
      .selectFrom('tuf_files')
      .select(['id', 'gun', 'role'])
      .where('id', '>', this.#lastId)
      .where('deleted_at', 'is', null)
      .orderBy('id')
      .limit(sql.lit(PAGE))
      .execute();
    const names = new Map(rows.map(({ gun, role }) => [keyOf({ gun, role }), { gun, role } as Name]));
    return { names: [...names.values()], lastId: rows.at(-1)?.id };
  }

  /** The versions that are recorded, by name. */
  async #known(names: readonly Name[]): Promise<ReadonlyMap<string, number>> {
    // always as many, so that it is one statement for the engine
    const guns = Array.from({ length: PAGE }, (_, index) => (names[index] ?? names[0])?.gun ?? '');
    const rows = await this.#database
      .selectFrom('hallmark_expiry')
      .select(['gun', 'role', 'version'])
      .where('gun', 'in', guns)
      .execute();
    return new Map(rows.map((row) => [keyOf(row), row.version]));
  }

  /** Whether something was written. */
  async #settle(name: Name, known: number | undefined): Promise<boolean> {
    if (known !== undefined && known === (await this.#newestVersion(name))) return false;
    const file = await this.#latest(name);
    if (file === undefined || file.version === known) return false;
    const expires = expiryOf(name.role, file.bytes);
    const row = { version: file.version, expires_at: expires === undefined ? null : writeMoment(expires) };
    return known === undefined ? this.#insert(name, row) : this.#replace(name, known, row);
  }

  async #insert({ gun, role }: Name, row: { version: number; expires_at: string | null }): Promise<boolean> {
    try {
      await this.#database
        .insertInto('hallmark_expiry')
        .values({ gun, role, ...row })
        .execute();
      return true;
    } catch (error) {
      // a publish came first
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  async #replace(
    { gun, role }: Name,
    known: number,
    row: { version: number; expires_at: string | null },
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.#database
      .updateTable('hallmark_expiry')
      .set(row)
      .where('gun', '=', gun)
      .where('role', '=', role)
      // unless a publish came first
      .where('version', '=', known)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }
}

function keyOf({ gun, role }: { readonly gun: string; readonly role: string }): string {
  return `${role} ${gun}`;
}

/** `undefined` for a file that nobody can read: the original server could store such. */
function expiryOf(role: RoleName, bytes: Uint8Array): Date | undefined {
  try {
    const kind: Signed['type'] = isTopLevel(role) ? role : TARGETS;
    const { signed }: { readonly signed: Signed } = notaryV1.decode(kind, bytes);
    return signed.expires;
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}
