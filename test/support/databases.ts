// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type DatabaseAddress, type DatabaseEngine, openDatabase } from '../../src/service/database/index.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { scratchDirectories } from './scratch.ts';

export type ServerEngine = Exclude<DatabaseEngine, 'sqlite'>;

/**
 * The database servers that tests have here. PostgreSQL always: the one that `HALLMARK_TEST_POSTGRES` names, else one from
 * the npm package. MySQL where `HALLMARK_TEST_MYSQL` names one; scripts/test-databases.sh starts both.
 */
export const SERVER_ENGINES: readonly ServerEngine[] =
  process.env.HALLMARK_TEST_MYSQL === undefined ? ['postgres'] : ['postgres', 'mysql'];

/** A new, empty database at each call, dropped after the last test of the file. */
export function scratchDatabases(engine: DatabaseEngine): () => Promise<DatabaseAddress> {
  if (engine === 'sqlite') {
    const scratch = scratchDirectories();
    return async () => ({ engine, url: join(scratch(), 'test.db') });
  }
  const made: string[] = [];
  // the first file that needs a server waits for its start
  beforeAll(async () => void (await serverAddress(engine, 'postgres')), 60_000);
  afterAll(async () => {
    const force = engine === 'postgres' ? ' with (force)' : '';
    for (const name of made) await administer(engine, `drop database ${name}${force}`);
  });
  return async () => {
    const name = `hallmark_${randomBytes(6).toString('hex')}`;
    await administer(engine, `create database ${name}`);
    made.push(name);
    return serverAddress(engine, name);
  };
}

/** Runs a statement as somebody who may make databases and users. */
export async function administer(engine: ServerEngine, statement: string): Promise<void> {
  const address = await serverAddress(engine, engine === 'postgres' ? 'postgres' : 'mysql');
  const { database } = await openDatabase({ ...address, poolSize: 1 });
  try {
    await sql.raw(statement).execute(database);
  } finally {
    await database.destroy();
  }
}

/** An address at the server of the tests, whose user may do everything there. */
export async function serverAddress(engine: ServerEngine, database: string): Promise<DatabaseAddress> {
  return { engine, url: engine === 'postgres' ? await postgresUrl(database) : mysqlUrl(database) };
}

let embedded: Promise<(database: string) => string> | undefined;

async function postgresUrl(database: string): Promise<string> {
  const named = process.env.HALLMARK_TEST_POSTGRES;
  if (named === undefined) {
    embedded ??= startEmbeddedPostgres();
    return (await embedded)(database);
  }
  const url = new URL(named);
  url.pathname = `/${database}`;
  return url.href;
}

/** A DSN of Go's driver, as in Notary's configuration. */
function mysqlUrl(database: string): string {
  const named = process.env.HALLMARK_TEST_MYSQL ?? '';
  const slash = named.lastIndexOf('/');
  return named.slice(0, slash) + named.slice(slash).replace(/^\/[^?]*/, `/${database}`);
}
