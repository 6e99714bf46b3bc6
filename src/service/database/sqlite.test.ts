// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Generated, type Kysely, sql } from 'kysely';
import { DatabaseOpenError } from './database-address.ts';
import { openSqlite } from './index.ts';

interface Tables {
  item: { id: Generated<number>; parent: number | null; bytes: Uint8Array };
}

const directory = mkdtempSync(join(tmpdir(), 'hallmark-sqlite-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function open(path = ':memory:'): Promise<Kysely<Tables>> {
  const database = openSqlite<Tables>(path);
  await sql`create table if not exists item
    (id integer primary key, parent integer references item(id), bytes blob not null)`.execute(database);
  return database;
}

async function pragma(database: Kysely<Tables>, name: string): Promise<unknown> {
  const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(database);
  return Object.values(rows[0] ?? {})[0];
}

describe('openSqlite', () => {
  test('gives back the bytes that were inserted, with the id and the number of changed rows', async () => {
    const database = await open();
    const bytes = Uint8Array.of(0, 255, 10);

    const inserted = await database.insertInto('item').values({ parent: null, bytes }).executeTakeFirstOrThrow();
    const returned = await database.insertInto('item').values({ parent: 1, bytes }).returning('id').execute();
    const updated = await database.updateTable('item').set({ parent: null }).executeTakeFirstOrThrow();

    expect(inserted.insertId).toBe(1n);
    expect(returned).toEqual([{ id: 2 }]);
    expect(updated.numUpdatedRows).toBe(2n);
    expect(await database.selectFrom('item').select('bytes').where('id', '=', 2).execute()).toEqual([{ bytes }]);
    await database.destroy();
  });

  test('a failed transaction leaves nothing', async () => {
    const database = await open();

    const failed = database.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('item')
        .values({ parent: null, bytes: new Uint8Array(1) })
        .execute();
      throw new Error('stop');
    });

    await expect(failed).rejects.toThrow('stop');
    expect(await database.selectFrom('item').selectAll().execute()).toEqual([]);
    await database.destroy();
  });

  test('two streams of one query do not disturb each other', async () => {
    const database = await open();
    for (const byte of [1, 2]) {
      await database
        .insertInto('item')
        .values({ parent: null, bytes: Uint8Array.of(byte) })
        .execute();
    }
    const ids = async () => {
      const found: number[] = [];
      for await (const row of database.selectFrom('item').select('id').stream()) found.push(row.id);
      return found;
    };

    expect(await Promise.all([ids(), ids()])).toEqual([
      [1, 2],
      [1, 2],
    ]);
    await database.destroy();
  });

  test('durability, foreign keys and patience are switched on, and the file is private (S7)', async () => {
    const path = join(directory, 'state.db');
    const database = await open(path);
    await database
      .insertInto('item')
      .values({ parent: null, bytes: new Uint8Array(1) })
      .execute();

    expect(await pragma(database, 'journal_mode')).toBe('wal');
    expect(await pragma(database, 'synchronous')).toBe(2);
    expect(await pragma(database, 'foreign_keys')).toBe(1);
    expect(await pragma(database, 'busy_timeout')).toBe(5000);
    expect([path, `${path}-wal`].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    const orphan = database
      .insertInto('item')
      .values({ parent: 9, bytes: new Uint8Array(1) })
      .execute();
    await expect(orphan).rejects.toThrow('FOREIGN KEY');
    await database.destroy();
  });

  test('a transaction holds the write lock from its beginning, so that what it read is still true when it writes', async () => {
    const path = join(directory, 'lock.db');
    const [one, two] = [await open(path), await open(path)];
    await sql`pragma busy_timeout = 0`.execute(two);

    const write = () =>
      two
        .insertInto('item')
        .values({ parent: null, bytes: new Uint8Array(1) })
        .execute();
    await one.transaction().execute(async (transaction) => {
      await transaction.selectFrom('item').selectAll().execute();
      await expect(write()).rejects.toThrow('locked');
    });

    await write();
    expect(await one.selectFrom('item').selectAll().execute()).toHaveLength(1);
    await Promise.all([one.destroy(), two.destroy()]);
  });

  test('a path that cannot be opened is a typed error', () => {
    expect(() => openSqlite(join(directory, 'missing', 'state.db'))).toThrow(DatabaseOpenError);
    expect(() => openSqlite(directory)).toThrow(DatabaseOpenError);
  });
});
