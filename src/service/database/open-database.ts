// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { DatabaseAddress } from './database-address.ts';
import type { MysqlDatabase } from './mysql.ts';
import type { PostgresDatabase } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export interface SqliteDatabase<Tables> {
  readonly engine: 'sqlite';
  readonly database: Kysely<Tables>;
}

/** An open database and which engine it is; `database.destroy()` closes it. */
export type OpenedDatabase<Tables> = SqliteDatabase<Tables> | PostgresDatabase<Tables> | MysqlDatabase<Tables>;

/**
 * Opens a database and, where it is a server's, makes sure that it can be reached: a wrong password is told now. Only the
 * driver that is needed is loaded.
 * @throws DatabaseAddressError, DatabaseOpenError
 */
export async function openDatabase<Tables>(address: DatabaseAddress): Promise<OpenedDatabase<Tables>> {
  switch (address.engine) {
    case 'sqlite':
      return { engine: 'sqlite', database: openSqlite<Tables>(address.url) };
    case 'postgres':
      return (await import('./postgres.ts')).openPostgres<Tables>(address);
    case 'mysql':
      return (await import('./mysql.ts')).openMysql<Tables>(address);
    default:
      return address.engine satisfies never;
  }
}
