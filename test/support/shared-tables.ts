// SPDX-License-Identifier: Apache-2.0
import { afterAll } from 'bun:test';
import { sql } from 'kysely';
import {
  type DatabaseAddress,
  type DatabaseEngine,
  migrateDatabase,
  type OpenedDatabase,
  openDatabase,
  type Schema,
} from '../../src/service/database/index.ts';
import { scratchDatabases } from './databases.ts';

/** A database with the tables of a service, and connections to it. */
export interface SharedTables<Tables> {
  address(): Promise<DatabaseAddress>;
  /** The one opened first, with its tables emptied. */
  empty(): Promise<OpenedDatabase<Tables>>;
  /** One more pool of connections to the same, as another replica has it. Not for SQLite, whose locks block the thread. */
  another(): Promise<OpenedDatabase<Tables>>;
}

/** One database for a test file; making one for each test would take most of its time. */
export function sharedTables<Tables>(
  engine: DatabaseEngine,
  schema: Schema,
  tables: readonly (keyof Tables & string)[],
): SharedTables<Tables> {
  const scratch = scratchDatabases(engine);
  const opened: OpenedDatabase<Tables>[] = [];
  let made: Promise<DatabaseAddress> | undefined;
  const address = () => {
    made ??= scratch();
    return made;
  };
  const another = async () => {
    const next = await openDatabase<Tables>({ ...(await address()), poolSize: 4 });
    opened.push(next);
    await migrateDatabase(next, schema);
    return next;
  };
  const empty = async () => {
    const first = opened[0] ?? (await another());
    for (const statement of tables.flatMap((table) => clearing(engine, table))) {
      await sql.raw(statement).execute(first.database);
    }
    return first;
  };
  afterAll(async () => {
    for (const { database } of opened) await database.destroy();
  });
  return { address, empty, another };
}

/** Without its rows a table counts from one again. */
function clearing(engine: DatabaseEngine, table: string): readonly string[] {
  switch (engine) {
    case 'sqlite':
      return [`delete from ${table}`, `delete from sqlite_sequence where name = '${table}'`];
    case 'postgres':
      return [`truncate table ${table} restart identity`];
    case 'mysql':
      return [`truncate table ${table}`];
    default:
      return engine satisfies never;
  }
}
