// SPDX-License-Identifier: Apache-2.0
import { type Generated, type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';

/** Notary's own tables (reference 7.1), so that its database can be taken over and given back. Times are UTC text. */
export interface MetadataTables {
  tuf_files: {
    id: Generated<number>;
    created_at: string | null;
    updated_at: string | null;
    deleted_at: string | null;
    gun: string;
    role: string;
    version: number;
    data: Uint8Array;
    sha256: string | null;
  };
  change_category: { category: string };
  changefeed: {
    id: Generated<number>;
    created_at: string;
    gun: string;
    version: number;
    sha256: string | null;
    category: string;
  };
}

/** A schema that could not be brought up to date; the database is as it was before the step that failed. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Brings an SQLite database to the newest schema. Several processes may do so at once. @throws MigrationError */
export async function migrateMetadata(database: Kysely<MetadataTables>): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableName: 'metadata_migration',
    migrationLockTableName: 'metadata_migration_lock',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw new MigrationError('cannot prepare the tables of the trust server', { cause: error });
}

/** Numbered, and never changed once released. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001_notary_tables': { up: createNotaryTables },
};

async function createNotaryTables(database: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`create table if not exists tuf_files (
      id integer primary key autoincrement,
      created_at text, updated_at text, deleted_at text,
      gun varchar(255) not null,
      role varchar(255) not null,
      version integer not null,
      data blob not null,
      sha256 char(64),
      unique (gun, role, version)
    )`,
    sql`create index if not exists tuf_files_sha256_idx on tuf_files (sha256)`,
    sql`create table if not exists change_category (category varchar(20) primary key)`,
    sql`insert or ignore into change_category (category) values ('update'), ('deletion')`,
    sql`create table if not exists changefeed (
      id integer primary key autoincrement,
      created_at text not null default current_timestamp,
      gun varchar(255) not null,
      version integer not null,
      sha256 char(64),
      category varchar(20) not null default 'update' references change_category (category)
    )`,
    sql`create index if not exists idx_changefeed_gun on changefeed (gun)`,
  ];
  for (const statement of statements) await statement.execute(database);
}
