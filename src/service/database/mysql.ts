// SPDX-License-Identifier: Apache-2.0
import { Kysely, MysqlDialect, type MysqlPool } from 'kysely';
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2';
import {
  type DatabaseAddress,
  DatabaseOpenError,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_POOL_SIZE,
  DEFAULT_STATEMENT_TIMEOUT,
} from './database-address.ts';
import { parseMysqlAddress } from './mysql-address.ts';
import { placeOf, type ServerTarget } from './server-target.ts';

export interface MysqlDatabase<Tables> {
  readonly engine: 'mysql';
  readonly database: Kysely<Tables>;
}

/**
 * A pool of connections to MySQL or MariaDB. Sessions are strict, in UTC, and READ COMMITTED: each statement sees what is
 * committed when it begins, and no gap between rows is ever locked. Times are read as text.
 * @throws DatabaseAddressError, DatabaseOpenError
 */
export async function openMysql<Tables>(address: DatabaseAddress): Promise<MysqlDatabase<Tables>> {
  const target = parseMysqlAddress(address);
  const timeout = target.statementTimeout ?? address.statementTimeout ?? DEFAULT_STATEMENT_TIMEOUT;
  const pool = createPool(poolOptions(target, address));
  const database = new Kysely<Tables>({
    dialect: new MysqlDialect({
      pool: adapt(pool, timeout),
      onCreateConnection: async (connection) => {
        for (const sql of sessionStatements(timeout)) {
          await connection.executeQuery({ sql, parameters: [] } as never);
        }
      },
    }),
  });
  try {
    await database.connection().execute(async () => {});
  } catch (cause) {
    await database.destroy();
    throw new DatabaseOpenError(placeOf('mysql', target), cause);
  }
  return { engine: 'mysql', database };
}

function poolOptions(target: ServerTarget, address: DatabaseAddress): PoolOptions {
  return {
    ...(target.socket === undefined ? { host: target.host ?? '127.0.0.1' } : { socketPath: target.socket }),
    port: target.port,
    user: target.user,
    ...(target.password === undefined ? {} : { password: target.password }),
    database: target.database,
    ...tlsOptions(target),
    connectTimeout: target.connectTimeout ?? address.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
    connectionLimit: address.poolSize ?? DEFAULT_POOL_SIZE,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    dateStrings: true,
    // no server may ask this client for a file
    flags: ['-LOCAL_FILES'],
    maxPreparedStatements: 100,
  };
}

function tlsOptions({ tls }: ServerTarget): Pick<PoolOptions, 'ssl'> {
  if (tls === false) return {};
  const { verify, ...material } = tls;
  return {
    ssl: { ...material, rejectUnauthorized: verify !== 'nothing', verifyIdentity: verify === 'issuer-and-name' },
  };
}

/** What holds for a session whatever the server's own defaults are. */
function sessionStatements(timeout: number): readonly string[] {
  const seconds = Math.max(1, Math.ceil(timeout / 1000));
  return [
    `set session time_zone = '+00:00', session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
      session innodb_lock_wait_timeout = ${seconds}, session autocommit = 1`,
    'set session transaction isolation level read committed',
  ];
}

/** Statements are prepared by the server, so that values never are part of their text. */
function adapt(pool: Pool, timeout: number): MysqlPool {
  return {
    getConnection: (callback) => {
      pool.getConnection((error, connection) => {
        if (error) callback(error, undefined as never);
        else callback(undefined, connectionOf(connection, timeout) as never);
      });
    },
    end: (callback) => pool.end(callback),
  };
}

const adapted = new WeakMap<PoolConnection, object>();

/** One face for each connection: Kysely knows by it whether the connection is new. */
function connectionOf(connection: PoolConnection, timeout: number): object {
  const known = adapted.get(connection);
  if (known !== undefined) return known;
  const face = {
    threadId: connection.threadId,
    query: (sql: string, values: unknown[], callback: (error: unknown, result: unknown) => void) => {
      const done = (error: Error | null, result: unknown) => {
        // the answer may still come, and would be taken for that of the next statement
        if (error !== null && 'code' in error && error.code === 'PROTOCOL_SEQUENCE_TIMEOUT') connection.destroy();
        callback(error ?? undefined, result);
      };
      if (values.length === 0) connection.query({ sql, timeout }, done);
      else connection.execute({ sql, values: values as never, timeout }, done);
    },
    destroy: () => connection.destroy(),
    release: () => connection.release(),
  };
  adapted.set(connection, face);
  return face;
}
