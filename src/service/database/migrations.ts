// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { DatabaseEngine } from './database-address.ts';
import type { OpenedDatabase } from './open-database.ts';

/** A schema that could not be brought up to date; the step that failed can be repeated. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** SQL by number; never changed once released. Every statement may be run again without harm. */
export type MigrationSteps = Readonly<Record<string, readonly string[]>>;

export interface Schema {
  /** What it is for, in an error: `the trust server`. */
  readonly purpose: string;
  /** The table that records what was done; beside it stands one more, `…_lock`. */
  readonly table: string;
  readonly steps: Readonly<Record<DatabaseEngine, MigrationSteps>>;
  /** A query that fails where a table that existed before lacks what is needed. */
  readonly probe: string;
}

/**
 * Brings a database to the newest schema. Several processes may do so at once: one does it, the others wait. Where all
 * steps have been done already, reading is all that the user of the database must be allowed to do. A schema that is newer
 * than this program is left alone: steps only ever add to what is there.
 * @returns the numbered steps that were done now, in order; none when the schema was up to date
 * @throws MigrationError
 */
export async function migrateDatabase<Tables>(
  opened: OpenedDatabase<Tables>,
  schema: Schema,
): Promise<readonly string[]> {
  const { engine, database } = opened;
  const fail = (cause: unknown) => new MigrationError(`cannot prepare the tables of ${schema.purpose}`, { cause });
  let applied: readonly string[] = [];
  if ((await pendingSteps(opened, schema)).length > 0) {
    const migrator = new Migrator({
      db: database,
      provider: { getMigrations: async () => migrationsOf(schema.steps[engine]) },
      migrationTableName: schema.table,
      migrationLockTableName: `${schema.table}_lock`,
    });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw fail(error);
    applied = (results ?? []).map(({ migrationName }) => migrationName);
  }
  try {
    await sql.raw(schema.probe).execute(database);
  } catch (cause) {
    throw fail(cause);
  }
  return applied;
}

function migrationsOf(steps: MigrationSteps): Record<string, Migration> {
  const migration = (statements: readonly string[]): Migration => ({
    up: async (database: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(database);
    },
  });
  return Object.fromEntries(Object.entries(steps).map(([name, statements]) => [name, migration(statements)]));
}

/** The numbered steps that have not been done yet, in order; nothing is changed. */
export async function pendingSteps<Tables>(
  { engine, database }: OpenedDatabase<Tables>,
  { steps, table }: Schema,
): Promise<readonly string[]> {
  const names = Object.keys(steps[engine]);
  try {
    const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(database);
    return names.filter((name) => !rows.some((row) => row.name === name));
  } catch {
    // there is no such table yet; what else could be wrong, the migrator finds too
    return names;
  }
}
