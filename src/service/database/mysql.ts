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
import { isDefinite } from './failures.ts';
import { parseMysqlAddress } from './mysql-address.ts';
import { OpenEnded } from './open-ended.ts';
import { placeOf, type ServerTarget } from './server-target.ts';
import { StatementTooLargeError } from './statement-too-large.ts';

export interface MysqlDatabase<Tables> {
  readonly engine: 'mysql';
  readonly database: Kysely<Tables>;
  /**
   * Sends statements at once, so that together they take one round trip: in one transaction, or, where one of them fails, not
   * at all. Gives the rows of the last one. Values in them are literals: see `mysql-literals.ts`.
   * @throws OpenEnded when the connection was lost meanwhile; StatementTooLargeError
   */
  atomically(statements: readonly string[]): Promise<readonly Record<string, unknown>[]>;
}

/**
 * A pool of connections to MySQL or MariaDB. Sessions are strict, in UTC, and READ COMMITTED: each statement sees what is
 * committed when it begins, and no gap between rows is ever locked. Times are read as text.
 * @throws DatabaseAddressError, DatabaseOpenError
 */
export async function openMysql<Tables>(address: DatabaseAddress): Promise<MysqlDatabase<Tables>> {
  const target = parseMysqlAddress(address);
  const timeout = target.statementTimeout ?? address.statementTimeout ?? DEFAULT_STATEMENT_TIMEOUT;
  const sessions = new Sessions(createPool(poolOptions(target, address)), timeout);
  const database = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: sessions.forKysely() }) });
  try {
    (await sessions.acquire()).release();
  } catch (cause) {
    await database.destroy();
    await sessions.end();
    throw new DatabaseOpenError(placeOf('mysql', target), cause);
  }
  return { engine: 'mysql', database, atomically: (statements) => atomically(sessions, statements) };
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
    // for texts whose values are literals of ours alone; whatever has parameters is prepared, and one statement
    multipleStatements: true,
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

const PACKET_LIMIT = 'select @@session.max_allowed_packet as bytes';

/** The connections of a pool, each set up before its first use. */
class Sessions {
  readonly #pool: Pool;
  readonly #timeout: number;
  /** One face for each connection: Kysely knows by it whether the connection is new. */
  readonly #faces = new WeakMap<PoolConnection, object>();
  /** Bytes of a statement, by connection. */
  readonly #limits = new WeakMap<PoolConnection, number>();

  constructor(pool: Pool, timeout: number) {
    this.#pool = pool;
    this.#timeout = timeout;
  }

  async acquire(): Promise<PoolConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<PoolConnection>();
    this.#pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)));
    const connection = await promise;
    if (this.#faces.has(connection)) return connection;
    try {
      for (const sql of sessionStatements(this.#timeout)) await this.query(connection, sql);
      const [limit] = (await this.query(connection, PACKET_LIMIT)) as readonly { readonly bytes: number }[];
      this.#limits.set(connection, limit?.bytes ?? Number.POSITIVE_INFINITY);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#faces.set(connection, this.#faceOf(connection));
    return connection;
  }

  /** A server that is sent more closes the connection, mostly before it has said why. @throws StatementTooLargeError */
  assertFits(connection: PoolConnection, sql: string): void {
    const limit = this.#limits.get(connection) ?? Number.POSITIVE_INFINITY;
    // one byte of a packet says which command it is
    if (Buffer.byteLength(sql) + 1 >= limit) throw new StatementTooLargeError(limit);
  }

  /** Statements with values are prepared by the server, so that a value never is a part of the text. */
  query(connection: PoolConnection, sql: string, values: readonly unknown[] = []): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const done = (error: Error | null, result: unknown) => {
      // the answer may still come, and would be taken for that of the next statement
      if (error !== null && 'code' in error && error.code === 'PROTOCOL_SEQUENCE_TIMEOUT') connection.destroy();
      if (error === null) resolve(result);
      else reject(error);
    };
    const timeout = this.#timeout;
    if (values.length === 0) connection.query({ sql, timeout }, done);
    else connection.execute({ sql, values: values as never, timeout }, done);
    return promise;
  }

  async end(): Promise<void> {
    await this.#pool.promise().end();
  }

  forKysely(): MysqlPool {
    return {
      getConnection: (callback) => {
        this.acquire().then(
          (connection) => callback(undefined, this.#faces.get(connection) as never),
          (error) => callback(error, undefined as never),
        );
      },
      end: (callback) => void this.end().then(() => callback(undefined), callback),
    };
  }

  #faceOf(connection: PoolConnection): object {
    return {
      threadId: connection.threadId,
      query: (sql: string, values: unknown[], callback: (error: unknown, result: unknown) => void) => {
        this.query(connection, sql, values).then((result) => callback(undefined, result), callback as never);
      },
      destroy: () => connection.destroy(),
      release: () => connection.release(),
    };
  }
}

async function atomically(
  sessions: Sessions,
  statements: readonly string[],
): Promise<readonly Record<string, unknown>[]> {
  const text = ['begin', ...statements, 'commit'].join(';\n');
  const connection = await sessions.acquire();
  try {
    sessions.assertFits(connection, text);
    const results = (await sessions.query(connection, text)) as readonly unknown[];
    return results.at(-2) as readonly Record<string, unknown>[];
  } catch (error) {
    if (error instanceof StatementTooLargeError) throw error;
    // where the connection is gone, so is the transaction
    await sessions.query(connection, 'rollback').catch(() => {});
    throw isDefinite(error) ? error : new OpenEnded(error);
  } finally {
    connection.release();
  }
}
