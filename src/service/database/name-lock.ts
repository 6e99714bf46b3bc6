// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { DatabaseEngine } from './database-address.ts';

/**
 * MySQL has no lock that belongs to a transaction and a name, so a row stands for the name, and stays. Notary has no such
 * table and needs none.
 */
export const MYSQL_LOCK_TABLE = `create table if not exists hallmark_lock (
  name binary(32) not null primary key
) engine=InnoDB`;

/** Makes this transaction the only one that holds `name`, until it ends. The caller's engine has the lock's table. */
export async function lockName<Tables>(
  transaction: Kysely<Tables>,
  engine: DatabaseEngine,
  name: string,
): Promise<void> {
  switch (engine) {
    case 'sqlite':
      // a transaction is the only one that writes from its beginning
      return;
    case 'postgres':
      await sql`select pg_advisory_xact_lock(${sql.lit(advisoryKey(name))})`.execute(transaction);
      return;
    case 'mysql':
      await sql.raw(mysqlLock(name)).execute(transaction);
      return;
    default:
      return engine satisfies never;
  }
}

/** The statement by which a transaction of MySQL gets the lock. */
export function mysqlLock(name: string): string {
  return `insert into hallmark_lock (name) values (x'${digest(name).toString('hex')}') on duplicate key update name = name`;
}

/** PostgreSQL's advisory locks are numbers; that two names may share one costs only time. */
export function advisoryKey(name: string): bigint {
  return digest(name).readBigInt64BE();
}

function digest(name: string): Buffer {
  return createHash('sha256').update(name).digest();
}
