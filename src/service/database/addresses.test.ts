// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { scratchDirectories } from '../../../test/support/scratch.ts';
import { DatabaseAddressError, DatabaseOpenError } from './database-address.ts';
import { openDatabase } from './index.ts';
import { parseMysqlAddress } from './mysql-address.ts';
import { parsePostgresAddress } from './postgres-address.ts';
import { placeOf } from './server-target.ts';

const mysql = (url: string, tls?: { ca?: string }) =>
  parseMysqlAddress({ engine: 'mysql', url, ...(tls === undefined ? {} : { tls }) });
const postgres = (url: string, tls?: { ca?: string; cert?: string; key?: string }) =>
  parsePostgresAddress({ engine: 'postgres', url, ...(tls === undefined ? {} : { tls }) });
const scratch = scratchDirectories();

describe("Go's DSNs of MySQL", () => {
  test("those of Notary's documentation and packages are understood", () => {
    expect(mysql('server@tcp(mysql:3306)/notaryserver?parseTime=True')).toMatchObject({
      host: 'mysql',
      port: 3306,
      user: 'server',
      database: 'notaryserver',
      tls: false,
    });
    expect(mysql('vec_server@tcp(127.0.0.1:3306)/vec_server?parseTime=True')).toMatchObject({ host: '127.0.0.1' });
    expect(mysql('u:p@tcp(db:3307)/d?timeout=1m30s&readTimeout=500ms&charset=utf8mb4,utf8&loc=UTC')).toMatchObject({
      port: 3307,
      connectTimeout: 90_000,
      statementTimeout: 500,
    });
  });

  test('a password may hold every mark of the syntax', () => {
    expect(mysql('me:p@ss:w/rd?x=1&%41(y)@tcp(db)/d')).toMatchObject({ user: 'me', password: 'p@ss:w/rd?x=1&%41(y)' });
    expect(mysql('me:@tcp(db)/d').password).toBe('');
    expect('password' in mysql('me@tcp(db)/d')).toBe(false);
  });

  test('sockets, addresses of IPv6, and what is left out', () => {
    expect(mysql('me@unix(/run/mysqld/mysqld.sock)/d')).toMatchObject({ socket: '/run/mysqld/mysqld.sock' });
    expect(mysql('me@unix/d')).toMatchObject({ socket: '/tmp/mysql.sock' });
    expect(mysql('me@tcp([2001:db8::1]:3310)/d')).toMatchObject({ host: '2001:db8::1', port: 3310 });
    expect(mysql('me@/d')).toMatchObject({ host: '127.0.0.1', port: 3306 });
    expect(mysql('me@tcp/d')).toMatchObject({ host: '127.0.0.1' });
    expect(mysql('me@tcp(db)/a%20b')).toMatchObject({ host: 'db', database: 'a b' });
  });

  test.each([
    'me@tcp(db)',
    '@tcp(db)/d',
    'me@tcp(db)/',
    'me@pipe(x)/d',
    'me@tcp(db:0)/d',
    'me@tcp(db:99999)/d',
    'me@tcp(db)/d?tls=preferred',
    'me@tcp(db)/d?tls=own-name',
    'me@tcp(db)/d?timeout=5',
    'me@tcp(db)/d?sql_mode=ANSI',
    'me@tcp(a:b:c)/d',
    'me@tcp(db)/%zz',
  ])('%s is refused', (url) => {
    expect(() => mysql(url)).toThrow(DatabaseAddressError);
  });

  test('TLS is verified wherever it is asked for, unless the address says skip-verify', () => {
    expect(mysql('me@tcp(db)/d?tls=true').tls).toEqual({ verify: 'issuer-and-name' });
    expect(mysql('me@tcp(db)/d?tls=skip-verify').tls).toEqual({ verify: 'nothing' });
    expect(mysql('me@tcp(db)/d', { ca: 'PEM' }).tls).toEqual({ ca: 'PEM', verify: 'issuer-and-name' });
    expect(mysql('me@tcp(db)/d?tls=false', { ca: 'PEM' }).tls).toBe(false);
    expect(mysql('mysql://me@db/d?tls=1').tls).toEqual({ verify: 'issuer-and-name' });
  });

  test('URLs say the same', () => {
    expect(mysql('mysql://me:p%40ss%2Fw@db:3307/d')).toMatchObject({
      user: 'me',
      password: 'p@ss/w',
      host: 'db',
      port: 3307,
      database: 'd',
    });
    expect(mysql('mysql://me@localhost/d?socket=/run/mysqld.sock')).toMatchObject({ socket: '/run/mysqld.sock' });
    expect(mysql('mariadb://me@[::1]/d')).toMatchObject({ host: '::1', port: 3306 });
  });
});

describe('addresses of PostgreSQL', () => {
  test('URLs with what libpq understands', () => {
    expect(postgres('postgres://server@postgresql:5432/notaryserver?sslmode=disable')).toMatchObject({
      host: 'postgresql',
      port: 5432,
      user: 'server',
      database: 'notaryserver',
      tls: false,
    });
    expect(postgres('postgresql://me:p%40ss@db/d?sslmode=disable&connect_timeout=5&search_path=trust')).toMatchObject({
      password: 'p@ss',
      connectTimeout: 5000,
      settings: new Map([['search_path', 'trust']]),
    });
    expect(postgres('postgres://me@localhost/d?host=/run/postgresql')).toMatchObject({
      socket: '/run/postgresql',
      tls: false,
    });
    expect(postgres('postgres://me@%2Frun%2Fpostgresql/d')).toMatchObject({ socket: '/run/postgresql' });
    expect(postgres('postgres://me@db')).toMatchObject({ database: 'me' });
  });

  test('the keywords of libpq', () => {
    expect(postgres("host=db port=5433 user=me password='p\\'s \\\\ =x' dbname=d sslmode=disable")).toMatchObject({
      host: 'db',
      port: 5433,
      password: "p's \\ =x",
      database: 'd',
    });
  });

  test.each([
    'postgres://db/d',
    'postgres://me@a:1,b:2/d',
    'postgres://me@db:0/d',
    'postgres://me@db/d?sslmode=prefer',
    'postgres://me@db/d?sslmode=allow',
    'postgres://me@db/d?sslmode=on',
    'postgres://me@db/d?sslmode=verify-ca',
    'postgres://me@db/d?sslrootcert=/nonexistent/ca.pem',
    "postgres://me@db/d?a'b=1",
    'mysql://me@db/d',
    'host=db user=me password=a b',
    "host=db user='me",
    '',
  ])('%s is refused', (url) => {
    expect(() => postgres(url)).toThrow(DatabaseAddressError);
  });

  test('the modes of TLS mean what they mean to libpq, and none falls back to plain text', () => {
    const file = join(scratch(), 'ca.pem');
    writeFileSync(file, 'PEM');
    const use = (query: string, tls?: { ca?: string }) => postgres(`postgres://me@db/d?${query}`, tls).tls;

    expect(use('')).toEqual({ verify: 'nothing' });
    expect(use('sslmode=require')).toEqual({ verify: 'nothing' });
    expect(use('sslmode=require', { ca: 'PEM' })).toEqual({ ca: 'PEM', verify: 'issuer' });
    expect(use(`sslmode=verify-ca&sslrootcert=${file}`)).toEqual({ ca: 'PEM', verify: 'issuer' });
    expect(use(`sslmode=verify-full&sslrootcert=${file}`)).toEqual({ ca: 'PEM', verify: 'issuer-and-name' });
    expect(use('sslmode=verify-full')).toEqual({ verify: 'issuer-and-name' });
    expect(use('', { ca: 'PEM' })).toEqual({ ca: 'PEM', verify: 'issuer-and-name' });
    expect(use('sslrootcert=system&sslmode=require')).toEqual({ verify: 'issuer-and-name' });
    expect(use('sslmode=disable', { ca: 'PEM' })).toBe(false);
  });
});

describe('addresses of databases', () => {
  test('a password never gets into an error, whatever is wrong with the rest', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', '/', '?', '@', ':', '(', ')', '=', '&', ' ', "'", '%'),
      maxLength: 9,
    });
    fc.assert(
      fc.property(part, part, part, fc.constantFrom('', 'mysql://', 'postgres://'), (before, after, rest, scheme) => {
        for (const parse of [mysql, postgres]) {
          try {
            parse(`${scheme}me:${before}geheim${after}@tcp${rest}`);
          } catch (error) {
            if (!(error instanceof DatabaseAddressError)) throw error;
            expect(`${error.message}${Bun.inspect(error.cause)}`).not.toContain('geheim');
          }
        }
      }),
    );
  });

  test('what cannot be reached is named by host and database, never with the password', async () => {
    const urls = {
      postgres: 'postgres://me:geheim@127.0.0.1:1/trust?sslmode=disable',
      mysql: 'me:geheim@tcp(127.0.0.1:1)/trust',
    } as const;
    for (const engine of ['postgres', 'mysql'] as const) {
      const error = await openDatabase({ engine, url: urls[engine] }).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(DatabaseOpenError);
      expect(error).toMatchObject({ place: `${engine} 127.0.0.1:1/trust` });
      expect(Bun.inspect(error, { depth: 10 })).not.toContain('geheim');
    }
    expect(placeOf('mysql', mysql('me:geheim@tcp([::1]:3307)/d'))).toBe('mysql [::1]:3307/d');
  });
});
