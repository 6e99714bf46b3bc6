// SPDX-License-Identifier: Apache-2.0
import { Database } from 'bun:sqlite';
import { closeSync, openSync } from 'node:fs';
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import { DatabaseOpenError } from './database-address.ts';

/**
 * An SQLite database, created when missing; `:memory:` is one that lives as long as the connection.
 * A resolved transaction is durable (WAL, `synchronous=FULL`), foreign keys hold, and a lock that another process has
 * is waited for, 5 seconds at most. Transactions take the write lock when they begin.
 * @throws DatabaseOpenError
 */
export function openSqlite<Tables>(path: string): Kysely<Tables> {
  try {
    createPrivately(path);
    const database = new Database(path, { create: true, readwrite: true });
    for (const pragma of ['busy_timeout = 5000', 'journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']) {
      database.run(`pragma ${pragma}`);
    }
    return new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapt(database) }) });
  } catch (cause) {
    throw new DatabaseOpenError(path, cause);
  }
}

/** SQLite gives its journal files the mode of the database, so the mode is right before SQLite first sees it (S7). */
function createPrivately(path: string): void {
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
}

/** The face of better-sqlite3 that Kysely expects, over Bun's driver. */
function adapt(database: Database): SqliteDatabase {
  return {
    close: () => database.close(),
    // a deferred transaction that reads first fails at once, whatever the timeout, when another process wrote meanwhile
    prepare: (sql) => adaptStatement(database, sql === 'begin' ? 'begin immediate' : sql),
  };
}

type Values = Parameters<ReturnType<Database['query']>['all']>;

function adaptStatement(database: Database, sql: string): SqliteStatement {
  const statement = database.query(sql);
  return {
    reader: statement.columnNames.length > 0,
    all: (values) => statement.all(...(values as Values)),
    run: (values) => statement.run(...(values as Values)),
    // a cached statement has one cursor: two streams of one query would share it
    iterate: (values) => database.prepare(sql).iterate(...(values as Values)),
  };
}
