// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { startEmbeddedPostgres } from '../../../test/support/embedded-postgres.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { ensureOwnTls } from '../index.ts';
import { DatabaseOpenError } from './database-address.ts';
import { type DatabaseAddress, openDatabase } from './index.ts';

const scratch = scratchDirectories();

async function authority(): Promise<{ ca: string; cert: string; key: string }> {
  const { identity, caFile } = await ensureOwnTls(scratch(), [], new Date());
  return { ca: readFileSync(caFile, 'utf8'), cert: identity.cert, key: identity.key };
}

/** What a connection says of its own protection; an error if there is none. */
async function cipher(address: DatabaseAddress): Promise<string> {
  const { database, engine } = await openDatabase(address);
  try {
    const { rows } =
      engine === 'postgres'
        ? await sql<{ cipher: string | null }>`select cipher from pg_stat_ssl where pid = pg_backend_pid()`.execute(
            database,
          )
        : await sql<{ cipher: string | null }>`select variable_value as cipher from information_schema.session_status
            where variable_name = 'ssl_cipher'`.execute(database);
    return rows[0]?.cipher ?? '';
  } finally {
    await database.destroy();
  }
}

const refusalOf = async (address: DatabaseAddress) => (await cipher(address).catch((error: unknown) => error)) as Error;

describe('TLS to PostgreSQL', () => {
  let port: number;
  let own: { ca: string; cert: string; key: string };
  let another: string;
  beforeAll(async () => {
    [port, own, another] = [await freePort(), await authority(), (await authority()).ca];
    await startEmbeddedPostgres({ ...own, port });
  }, 60_000);
  const at = (host: string, query: string, ca?: string): DatabaseAddress => ({
    engine: 'postgres',
    url: `postgres://hallmark:any@${host}:${port}/postgres?${query}`,
    ...(ca === undefined ? {} : { tls: { ca } }),
  });

  test('is used unless the address says disable', async () => {
    expect(await cipher(at('127.0.0.1', ''))).toStartWith('TLS_');
    expect(await cipher(at('127.0.0.1', 'sslmode=require'))).toStartWith('TLS_');
    expect(await cipher(at('127.0.0.1', 'sslmode=disable'))).toBe('');
  });

  test('holds the server against the authority and its name, as the mode says', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await cipher(at(host, 'sslmode=verify-full', own.ca))).toStartWith('TLS_');
    }
    expect(await cipher(at('127.0.0.2', 'sslmode=verify-ca', own.ca))).toStartWith('TLS_');
    expect(await cipher(at('127.0.0.2', 'sslmode=require'))).toStartWith('TLS_');

    const refused = [
      at('127.0.0.2', 'sslmode=verify-full', own.ca),
      at('127.0.0.1', 'sslmode=verify-full', another),
      at('127.0.0.1', 'sslmode=verify-ca', another),
      at('127.0.0.1', 'sslmode=require', another),
      at('127.0.0.1', 'sslmode=verify-full'),
    ];
    for (const address of refused) expect(await refusalOf(address)).toBeInstanceOf(DatabaseOpenError);
  });
});

const mysqlPort = process.env.HALLMARK_TEST_MYSQL_TLS_PORT;
if (mysqlPort !== undefined) {
  describe('TLS to MySQL', () => {
    const ca = readFileSync(process.env.HALLMARK_TEST_MYSQL_TLS_CA ?? '', 'utf8');
    const at = (host: string, query: string, tls?: { ca: string }): DatabaseAddress => ({
      engine: 'mysql',
      url: `hallmark:a:p/w@rd?@tcp(${host}:${mysqlPort})/mysql?${query}`,
      ...(tls === undefined ? {} : { tls }),
    });

    test('is used where the address says so', async () => {
      expect(await cipher(at('127.0.0.1', 'tls=skip-verify'))).toStartWith('TLS_');
      expect(await cipher(at('127.0.0.1', ''))).toBe('');
    });

    test('holds the server against the authority and its name', async () => {
      for (const host of ['127.0.0.1', 'localhost'])
        expect(await cipher(at(host, 'tls=true', { ca }))).toStartWith('TLS_');
      expect(await cipher(at('127.0.0.2', 'tls=skip-verify'))).toStartWith('TLS_');

      const foreign = { ca: (await authority()).ca };
      const refused = [
        at('127.0.0.2', 'tls=true', { ca }),
        at('127.0.0.1', 'tls=true', foreign),
        at('127.0.0.1', 'tls=true'),
      ];
      for (const address of refused) expect(await refusalOf(address)).toBeInstanceOf(DatabaseOpenError);
    });
  });
}
