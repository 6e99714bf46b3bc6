// SPDX-License-Identifier: Apache-2.0
import { type CompiledQuery, Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { type ClientBase, type ClientConfig, Pool, type PoolClient, type PoolConfig, types } from 'pg';
import {
  type DatabaseAddress,
  DatabaseOpenError,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_POOL_SIZE,
  DEFAULT_STATEMENT_TIMEOUT,
} from './database-address.ts';
import { isDefinite } from './failures.ts';
import { parsePostgresAddress } from './postgres-address.ts';
import { placeOf, type ServerTarget } from './server-target.ts';

/** What one statement of a batch came to. */
export interface StatementResult {
  /** The tag of the command that was done last, such as `COMMIT`. */
  readonly command: string;
  readonly rows: readonly Record<string, unknown>[];
}

export interface PostgresDatabase<Tables> {
  readonly engine: 'postgres';
  readonly database: Kysely<Tables>;
  /**
   * Sends all statements at once on one connection, so that together they take one round trip; each is done after the one
   * before it, whether or not that failed. Begins and ends with no transaction open.
   */
  batch(
    statements: readonly Pick<CompiledQuery, 'sql' | 'parameters'>[],
  ): Promise<PromiseSettledResult<StatementResult>[]>;
}

/**
 * A pool of connections to PostgreSQL. Columns of time without zone are read as text: they are UTC, and the driver would
 * take them for local time. The session keeps `synchronous_commit` on, so that what was committed is durable.
 * @throws DatabaseAddressError, DatabaseOpenError
 */
export async function openPostgres<Tables>(address: DatabaseAddress): Promise<PostgresDatabase<Tables>> {
  const target = parsePostgresAddress(address);
  const pool = new Pool(poolConfig(target, address));
  // an idle connection that breaks leaves the pool by itself; whoever asks next gets a new one
  pool.on('error', () => {});
  try {
    (await pool.connect()).release();
  } catch (cause) {
    await pool.end();
    throw new DatabaseOpenError(placeOf('postgres', target), cause);
  }
  const named = new StatementNames();
  const database = new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => adapt(await pool.connect(), named),
        end: () => pool.end(),
        options: {},
      },
    }),
  });
  return { engine: 'postgres', database, batch: (statements) => batch(pool, named, statements) };
}

function poolConfig(target: ServerTarget, address: DatabaseAddress): PoolConfig {
  const connectTimeout = target.connectTimeout ?? address.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT;
  const statementTimeout = target.statementTimeout ?? address.statementTimeout ?? DEFAULT_STATEMENT_TIMEOUT;
  const { password } = target;
  return {
    host: target.socket ?? target.host ?? 'localhost',
    port: target.port,
    user: target.user,
    // a function, so that neither the environment nor a file of passwords is looked at, and no dump of the pool shows it
    password: async () => password ?? '',
    database: target.database,
    ssl: tlsOptions(target),
    application_name: target.settings.get('application_name') ?? 'hallmark',
    max: address.poolSize ?? DEFAULT_POOL_SIZE,
    connectionTimeoutMillis: connectTimeout,
    // a server that is silent, where the server's own limit cannot help
    query_timeout: statementTimeout + connectTimeout,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser },
    onConnect: (client) => {
      // a connection that breaks while it is in use fails its statements; the event beside would end the process
      client.on('error', () => {});
      return prepareSession(client, target, statementTimeout);
    },
  };
}

function tlsOptions({ tls }: ServerTarget): NonNullable<ClientConfig['ssl']> {
  if (tls === false) return false;
  const { verify, ...material } = tls;
  return {
    ...material,
    rejectUnauthorized: verify !== 'nothing',
    ...(verify === 'issuer-and-name' ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** Set after connecting and not while: a pooler between would refuse settings that it does not know. */
async function prepareSession(client: ClientBase, { settings }: ServerTarget, timeout: number): Promise<void> {
  const wanted = new Map([...settings].filter(([name]) => name !== 'application_name'));
  wanted.set('statement_timeout', String(timeout));
  wanted.set('lock_timeout', String(timeout));
  wanted.set('idle_in_transaction_session_timeout', String(2 * timeout));
  const values = [...wanted].flat();
  const calls = [...wanted].map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
  await client.query(`select ${calls.join(', ')}`, values);
  await client.query(`select set_config('synchronous_commit', 'on', false)
    where current_setting('synchronous_commit') = 'off'`);
}

const TIMESTAMP_WITHOUT_ZONE = 1114;
const INT8 = 20;

const getTypeParser = ((oid: number, format: 'text' | 'binary') => {
  if (oid === TIMESTAMP_WITHOUT_ZONE) return (text: string) => text;
  // IDs and counts; far below what a double holds exactly
  if (oid === INT8 && format !== 'binary') return Number;
  return types.getTypeParser(oid, format);
}) as typeof types.getTypeParser;

/** Statements that come often are parsed and planned once by each connection, under a name that follows from the text. */
class StatementNames {
  readonly #names = new Map<string, string>();

  /** `undefined` once there are too many: statements of ever-changing text must not fill the server's memory. */
  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= MAX_NAMED) return known;
    const name = `hallmark_${this.#names.size + 1}`;
    this.#names.set(text, name);
    return name;
  }
}

const MAX_NAMED = 100;

function adapt(client: PoolClient, named: StatementNames): PostgresPoolClient {
  return {
    query: ((sql: string, parameters: readonly unknown[]) => query(client, named, sql, parameters)) as never,
    release: (destroy) => client.release(destroy),
  };
}

function query(client: PoolClient, named: StatementNames, text: string, parameters: readonly unknown[]) {
  const name = parameters.length === 0 ? undefined : named.of(text);
  return client.query({ text, values: [...parameters], ...(name === undefined ? {} : { name }) });
}

async function batch(
  pool: Pool,
  named: StatementNames,
  statements: readonly Pick<CompiledQuery, 'sql' | 'parameters'>[],
): Promise<PromiseSettledResult<StatementResult>[]> {
  const client = await pool.connect();
  const results = await Promise.allSettled(
    statements.map(({ sql, parameters }) => query(client, named, sql, parameters)),
  );
  const broken = results.some((result) => result.status === 'rejected' && !isDefinite(result.reason));
  client.release(broken);
  return results.map((result) => {
    if (result.status === 'rejected') return result;
    const last = Array.isArray(result.value) ? result.value.at(-1) : result.value;
    return { status: 'fulfilled', value: { command: last.command, rows: last.rows } };
  });
}
