// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { type Gun, type RoleName, TIMESTAMP, type Version } from '../../tuf/index.ts';
import {
  type Change,
  type ChangeQuery,
  type CommitBase,
  ConflictError,
  type MetadataStorage,
  type StoredFile,
  type VerifiedFile,
} from './metadata-storage.ts';
import type { MetadataTables } from './schema.ts';

type FileRow = Pick<Selectable<MetadataTables['tuf_files']>, 'role' | 'version' | 'data' | 'sha256' | 'created_at'>;

/** Metadata in SQLite: durability and locks are those of `openSqlite`; the caller has migrated the database. */
export class SqliteStorage implements MetadataStorage {
  readonly #database: Kysely<MetadataTables>;

  constructor(database: Kysely<MetadataTables>) {
    this.#database = database;
  }

  current(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return this.latest(gun, role);
  }

  async latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined> {
    return stored(await this.#files(gun, role).orderBy('version', 'desc').limit(1).executeTakeFirst());
  }

  async byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined> {
    return stored(await this.#files(gun, role).where('version', '=', version).executeTakeFirst());
  }

  async byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined> {
    return stored(await this.#files(gun, role).where('sha256', '=', sha256).limit(1).executeTakeFirst());
  }

  async commit(gun: Gun, base: CommitBase | undefined, files: readonly VerifiedFile[], now: Date): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const newest = await transaction
        .selectFrom('tuf_files')
        .select('sha256')
        .where('gun', '=', gun)
        .where('role', '=', TIMESTAMP)
        .where('deleted_at', 'is', null)
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst();
      if (newest?.sha256 !== base?.sha256) throw new ConflictError(gun, base?.version);
      await insert(transaction, gun, base?.version, files, now);
      const timestamp = files.find((file) => file.role === TIMESTAMP);
      if (timestamp !== undefined) await record(transaction, gun, timestamp.version, timestamp.sha256, 'update', now);
    });
  }

  async delete(gun: Gun, now: Date): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction
        .deleteFrom('tuf_files')
        .where('gun', '=', gun)
        .executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) await record(transaction, gun, 0, '', 'deletion', now);
    });
  }

  async changes({ gun, from, bound, limit }: ChangeQuery): Promise<readonly Change[]> {
    const forward = from === 'oldest';
    let query = this.#database.selectFrom('changefeed').selectAll().limit(limit);
    if (gun !== undefined) query = query.where('gun', '=', gun);
    if (bound !== undefined) query = query.where('id', forward ? '>' : '<', bound);
    const rows = await query.orderBy('id', forward ? 'asc' : 'desc').execute();
    return (forward ? rows : rows.reverse()).map((row) => ({
      id: String(row.id),
      createdAt: readTime(row.created_at),
      gun: row.gun,
      version: row.version,
      // a CHAR column pads the empty hash of a deletion
      sha256: (row.sha256 ?? '').trim(),
      category: row.category === 'deletion' ? 'deletion' : 'update',
    }));
  }

  async check(): Promise<void> {
    await sql`select 1`.execute(this.#database);
  }

  #files(gun: Gun, role: RoleName) {
    return this.#database
      .selectFrom('tuf_files')
      .select(['role', 'version', 'data', 'sha256', 'created_at'])
      .where('gun', '=', gun)
      .where('role', '=', role)
      .where('deleted_at', 'is', null);
  }
}

async function insert(
  transaction: Transaction<MetadataTables>,
  gun: Gun,
  base: Version | undefined,
  files: readonly VerifiedFile[],
  now: Date,
): Promise<void> {
  const at = writeTime(now);
  try {
    for (const { role, version, bytes, sha256 } of files) {
      const row = { gun, role, version, data: bytes, sha256, created_at: at, updated_at: at, deleted_at: null };
      await transaction.insertInto('tuf_files').values(row).execute();
    }
  } catch (cause) {
    if (isUniqueViolation(cause)) throw new ConflictError(gun, base, { cause });
    throw cause;
  }
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE';
}

async function record(
  transaction: Transaction<MetadataTables>,
  gun: Gun,
  version: number,
  sha256: string,
  category: Change['category'],
  now: Date,
): Promise<void> {
  await transaction
    .insertInto('changefeed')
    .values({ gun, version, sha256, category, created_at: writeTime(now) })
    .execute();
}

function stored(row: FileRow | undefined): StoredFile | undefined {
  if (row === undefined) return undefined;
  return {
    role: row.role as RoleName,
    version: row.version as Version,
    bytes: row.data,
    sha256: row.sha256 ?? '',
    createdAt: row.created_at === null ? undefined : readTime(row.created_at),
  };
}

/** `2026-11-22 14:14:23`, the spelling that SQLite, PostgreSQL and MySQL all take. */
function writeTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}

function readTime(text: string): Date {
  return new Date(`${text.replace(' ', 'T')}Z`);
}
