// SPDX-License-Identifier: Apache-2.0
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import { isUniqueViolation } from '../../service/database/index.ts';
import { type Gun, isTopLevel, MetadataError, notaryV1, type RoleName, type Signed, TARGETS } from '../../tuf/index.ts';
import type { BackfillProgress, BackfillRequest, StoredFile } from './metadata-storage.ts';
import { writeMoment } from './rows.ts';
import type { MetadataTables } from './schema.ts';

/** Rows looked at in one query. */
const PAGE = 500;
/** Queries in one go: ten thousand rows, well below a second. */
const PAGES = 20;
const FULL_EVERY_MS = 86_400_000;

interface Name {
  readonly gun: Gun;
  readonly role: RoleName;
}

interface NewestOf extends Name {
  readonly newest: number | null;
}

interface Page {
  /** Names of the page's files, each once, with the newest version that is stored. */
  readonly names: readonly NewestOf[];
  readonly lastId: number;
  readonly isLast: boolean;
}

/** What differs from one database to another. */
export interface BackfillLookups {
  latest(name: Name): Promise<StoredFile | undefined>;
  /** That the rows of `tuf_files` under these two aliases have the very same name. */
  isSameName(one: string, other: string): Expression<SqlBool>;
}

/**
 * Makes up the rows of `hallmark_expiry` that are missing, or that are of another file than the newest, since another program
 * wrote to the database. Goes through all files by ID, remembers how far it has come, and from then on looks at what is new.
 * All are gone through again once a day: what another program removed leaves no new row behind.
 */
export class ExpiryBackfill {
  readonly #database: Kysely<MetadataTables>;
  readonly #look: BackfillLookups;
  #fullAt = Number.NEGATIVE_INFINITY;
  /** Up to here this pass has looked; `undefined` between two passes. */
  #position: number | undefined;
  /** Where the last pass ended, and where the next one begins. */
  #ended = 0;
  #next = 0;

  constructor(database: Kysely<MetadataTables>, look: BackfillLookups) {
    this.#database = database;
    this.#look = look;
  }

  /** Looks on until `limit` rows were written, so many pages were read, or it is told to stop. */
  async next({ limit, now, signal }: BackfillRequest): Promise<BackfillProgress> {
    const isStopped = () => signal?.aborted === true;
    let recorded = 0;
    for (let pages = 0; pages < PAGES && !isStopped(); pages++) {
      this.#position ??= this.#begin(now);
      const page = await this.#page(this.#position);
      recorded += await this.#settleAll(page, limit - recorded, isStopped);
      if (recorded >= limit || isStopped()) break;
      this.#position = page.lastId;
      if (page.isLast) {
        this.#end(page.lastId);
        return { recorded, isComplete: true };
      }
    }
    return { recorded, isComplete: false };
  }

  #begin(now: Date): number {
    if (now.getTime() - this.#fullAt < FULL_EVERY_MS) return this.#next;
    this.#fullAt = now.getTime();
    return 0;
  }

  /**
   * IDs are given out before they are committed, so a row may become visible below one that was seen. The next pass begins
   * where the one before this ended: that is long ago.
   */
  #end(lastId: number): void {
    this.#next = this.#ended === 0 ? lastId : this.#ended;
    this.#ended = lastId;
    this.#position = undefined;
  }

  /** One statement for a page, however many names are in it. */
  async #page(position: number): Promise<Page> {
    const newest = this.#database
      .selectFrom('tuf_files as newer')
      .select('newer.version')
      .where(this.#look.isSameName('newer', 'file'))
      .where('newer.deleted_at', 'is', null)
      .orderBy('newer.version', 'desc')
      .limit(sql.lit(1));
    const rows = await this.#database
      .selectFrom('tuf_files as file')
      .select(['file.id', 'file.gun', 'file.role', newest.as('newest')])
      .where('file.id', '>', position)
      .where('file.deleted_at', 'is', null)
      .orderBy('file.id')
      .limit(sql.lit(PAGE))
      .execute();
    const names = new Map(
      rows.map(({ gun, role, newest }) => [keyOf({ gun, role }), { gun, role, newest } as NewestOf]),
    );
    return { names: [...names.values()], lastId: rows.at(-1)?.id ?? position, isLast: rows.length < PAGE };
  }

  /** The number of rows written, `limit` at most. */
  async #settleAll({ names }: Page, limit: number, isStopped: () => boolean): Promise<number> {
    if (names.length === 0) return 0;
    const known = await this.#known(names);
    let written = 0;
    for (const { newest, ...name } of names) {
      const version = known.get(keyOf(name));
      if (version !== undefined && version === newest) continue;
      if (written === limit || isStopped()) break;
      if (await this.#settle(name, version)) written++;
    }
    return written;
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
    const file = await this.#look.latest(name);
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
