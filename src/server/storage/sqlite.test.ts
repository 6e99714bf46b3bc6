// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { context, fileOf, stored } from '../../../test/support/metadata-files.ts';
import { MigrationError, migrateDatabase, openSqlite } from '../../service/database/index.ts';
import { parseGun, TARGETS, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { describeMetadataStorage } from './metadata-storage.contract.ts';
import { ConflictError } from './metadata-storage.ts';
import { METADATA_SCHEMA, type MetadataTables } from './schema.ts';
import { SqliteStorage } from './sqlite.ts';

const gun = parseGun('example.com/app');
const directory = mkdtempSync(join(tmpdir(), 'hallmark-storage-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function open(path = ':memory:') {
  const database = openSqlite<MetadataTables>(path);
  await migrateDatabase({ engine: 'sqlite', database }, METADATA_SCHEMA);
  return { database, storage: new SqliteStorage(database) };
}

describeMetadataStorage('SqliteStorage', async () => (await open()).storage);

describe('SqliteStorage', () => {
  test('another connection reads what a resolved commit stored, and migrating again changes nothing', async () => {
    const path = join(directory, 'shared.db');
    const first = await open(path);
    await first.storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);

    const second = await open(path);

    expect(await second.storage.current(gun, TARGETS)).toMatchObject(stored(fileOf(TARGETS, 1)));
    await first.database.destroy();
    await second.database.destroy();
  });

  test('a connection that read the same base as another, which then committed, gets a conflict', async () => {
    const path = join(directory, 'race.db');
    const [first, second] = [await open(path), await open(path)];
    await first.storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);

    const late = second.storage.commit(gun, undefined, [fileOf(TARGETS, 2), fileOf(TIMESTAMP, 1)], context);

    await expect(late).rejects.toBeInstanceOf(ConflictError);
    expect((await second.storage.current(gun, TARGETS))?.version).toBe(1 as Version);
    await first.database.destroy();
    await second.database.destroy();
  });

  test('what was stored without a hash can be published on', async () => {
    const { database, storage } = await open();
    await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    await sql`update tuf_files set sha256 = null`.execute(database);

    await storage.commit(gun, await storage.latest(gun, TIMESTAMP), [fileOf(TIMESTAMP, 2)], context);

    expect(await storage.latest(gun, TIMESTAMP)).toMatchObject(stored(fileOf(TIMESTAMP, 2)));
  });

  test('the tables are those of Notary, and rows it marked as deleted do not count', async () => {
    const { database, storage } = await open();
    await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
    await storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TARGETS, 2), fileOf(TIMESTAMP, 2)], context);
    await sql`update tuf_files set deleted_at = '2026-11-23 12:00:00' where version = 2`.execute(database);

    expect((await storage.current(gun, TARGETS))?.version).toBe(1 as Version);
    const columns = await sql<{ name: string }>`select name from pragma_table_info('tuf_files')`.execute(database);
    expect(columns.rows.map(({ name }) => name)).toEqual([
      'id',
      'created_at',
      'updated_at',
      'deleted_at',
      'gun',
      'role',
      'version',
      'data',
      'sha256',
    ]);
    const { rows } = await sql`select changefeed.created_at, updated_at, gun, category from changefeed
      join tuf_files using (gun, sha256) order by changefeed.id limit 1`.execute(database);
    expect(rows).toEqual([
      { created_at: '2026-11-23 12:00:00', updated_at: '2026-11-23 12:00:00', gun, category: 'update' },
    ]);
  });

  test('a database that cannot be migrated is a typed error', async () => {
    const database = openSqlite<MetadataTables>(':memory:');
    await sql`create view tuf_files as select 1`.execute(database);

    await expect(migrateDatabase({ engine: 'sqlite', database }, METADATA_SCHEMA)).rejects.toBeInstanceOf(
      MigrationError,
    );
  });

  test('a failing database is an error, never an empty answer', async () => {
    const { database, storage } = await open();
    await sql`drop table tuf_files`.execute(database);

    await expect(storage.current(gun, TARGETS)).rejects.toThrow('tuf_files');
    await database.destroy();
    await expect(storage.check()).rejects.toThrow();
  });
});
