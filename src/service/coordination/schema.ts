// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';

/** Moments are milliseconds since 1970 in a BIGINT: one meaning in every engine. */
export interface CoordinationTables {
  hallmark_lease: { name: string; holder: string; until_ms: number };
  hallmark_webhook_cursor: {
    name: string;
    position: number;
    attempts: number;
    failing_since_ms: number | null;
    retry_at_ms: number | null;
  };
}

/** Brings the two tables up to date, in SQLite, PostgreSQL and MySQL; several processes may do so at once. */
export async function migrateCoordination<Tables extends CoordinationTables>(database: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableName: 'coordination_migration',
    migrationLockTableName: 'coordination_migration_lock',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw new CoordinationError('cannot prepare the tables of leases and cursors', error);
}

/** Tables that could not be made. */
export class CoordinationError extends Error {
  override readonly name = 'CoordinationError';

  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}

/** Numbered, and never changed once released. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001_leases_and_cursors': { up: createTables },
};

async function createTables(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('hallmark_lease')
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (column) => column.primaryKey())
    .addColumn('holder', 'varchar(255)', (column) => column.notNull())
    .addColumn('until_ms', 'bigint', (column) => column.notNull())
    .execute();
  await database.schema
    .createTable('hallmark_webhook_cursor')
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('failing_since_ms', 'bigint')
    .addColumn('retry_at_ms', 'bigint')
    .execute();
}
