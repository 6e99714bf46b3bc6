// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { administer, SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../../../test/support/databases.ts';
import { restoreDump } from '../../../test/support/notary-dumps.ts';
import { definitionOf } from '../../../test/support/table-definitions.ts';
import { METADATA_SCHEMA, openMetadataStorage } from '../../server/storage/index.ts';
import { SERVICE_KEY_SCHEMA } from '../../signing/service-keys/index.ts';
import { parseGun, TARGETS } from '../../tuf/index.ts';
import {
  type DatabaseAddress,
  MigrationError,
  migrateDatabase,
  migrateSchemas,
  openDatabase,
  type Schema,
} from './index.ts';

const STEPS = { '0001_first': ['create table if not exists item (id integer)'] };
const schema: Schema = {
  purpose: 'a test',
  table: 'test_migration',
  steps: { sqlite: STEPS, postgres: STEPS, mysql: STEPS },
  probe: 'select id from item',
};
const withBoth = { ...STEPS, '0002_second': ['create table if not exists other (id integer)'] };

for (const engine of ['sqlite', ...SERVER_ENGINES] as const) {
  const scratch = scratchDatabases(engine);

  describe(`migrateDatabase (${engine})`, () => {
    test('does what is missing, says what it did, and does nothing twice', async () => {
      const opened = await openDatabase(await scratch());

      expect(await migrateDatabase(opened, schema)).toEqual(['0001_first']);
      expect(await migrateDatabase(opened, schema)).toEqual([]);
      const newer = { ...schema, steps: { ...schema.steps, [engine]: withBoth } };
      expect(await migrateDatabase(opened, newer)).toEqual(['0002_second']);
      // a replica of the last version that restarts while the next one is rolled out
      expect(await migrateDatabase(opened, schema)).toEqual([]);
      await opened.database.destroy();
    });

    test('what cannot be done is a typed error, and can be done later', async () => {
      const opened = await openDatabase(await scratch());
      await sql`create view item as select 1 as wrong`.execute(opened.database);

      await expect(migrateDatabase(opened, schema)).rejects.toBeInstanceOf(MigrationError);
      await sql`drop view item`.execute(opened.database);
      await sql`create table item (id integer)`.execute(opened.database);

      await migrateDatabase(opened, schema);
      await opened.database.destroy();
    });
  });
}

const SCHEMAS = [METADATA_SCHEMA, SERVICE_KEY_SCHEMA];

for (const engine of SERVER_ENGINES) describeServices(engine);

function describeServices(engine: ServerEngine): void {
  const scratch = scratchDatabases(engine);

  describe(`tables of the services (${engine})`, () => {
    test('replicas that start at once on an empty database make the tables once', async () => {
      const address = await scratch();
      const reports = await Promise.all(
        [1, 2, 3, 4].flatMap(() => SCHEMAS.map((schema) => migrateSchemas(address, [schema]))),
      );

      const applied = reports.flatMap((report) => report.flatMap(({ steps }) => steps)).sort();
      expect(applied).toEqual([
        '0001_notary_tables',
        '0001_private_keys',
        '0002_audit_and_expiry',
        '0003_list_of_collections',
      ]);
    });

    test('where there were none they are those of Notary', async () => {
      const [ours, theirs] = [await scratch(), { ...(await scratch()), engine }];
      await migrateSchemas(ours, SCHEMAS);
      await restoreDump(theirs, 'server');
      await restoreDump(theirs, 'signer');

      for (const table of ['tuf_files', 'changefeed', 'change_category', 'private_keys']) {
        expect(await plainDefinition(ours, engine, table)).toEqual(await plainDefinition(theirs, engine, table));
      }
    });

    test('a service whose user may only read and write starts once the tables are there', async () => {
      const address = await scratch();
      const user = `user_${randomBytes(4).toString('hex')}`;
      const limited = await withUser(address, engine, user);
      await expect(openMetadataStorage(limited)).rejects.toMatchObject({ name: 'MigrationError' });
      await migrateSchemas(address, [METADATA_SCHEMA]);
      await grant(address, engine, user);

      const { storage, close } = await openMetadataStorage(limited);

      expect(await storage.latest(parseGun('example.com/app'), TARGETS)).toBeUndefined();
      await close();
      await dropUser(address, engine, user);
    });
  });
}

/** But for the collation of names, which is stricter where we make the table. */
async function plainDefinition(address: DatabaseAddress, engine: ServerEngine, table: string) {
  const { database } = await openDatabase(address);
  const lines = await definitionOf(database, engine, table);
  await database.destroy();
  return lines.map((line) => line.replace(' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', ''));
}

function nameOf({ url }: DatabaseAddress): string {
  return /\/(hallmark_[0-9a-f]+)/.exec(url)?.[1] ?? '';
}

async function withUser(address: DatabaseAddress, engine: ServerEngine, user: string): Promise<DatabaseAddress> {
  if (engine === 'postgres') {
    await administer(engine, `create role ${user} login password 'secret'`);
    const url = new URL(address.url);
    url.username = user;
    url.password = 'secret';
    return { ...address, url: url.href };
  }
  await administer(engine, `create user ${user}@localhost identified by 'secret'`);
  await administer(engine, `grant select, insert, update, delete on ${nameOf(address)}.* to ${user}@localhost`);
  return { ...address, url: address.url.replace(/^.*@/, `${user}:secret@`) };
}

async function grant(address: DatabaseAddress, engine: ServerEngine, user: string): Promise<void> {
  if (engine === 'mysql') return;
  const { database } = await openDatabase(address);
  for (const kind of ['tables', 'sequences']) {
    const rights = kind === 'tables' ? 'select, insert, update, delete' : 'usage';
    await sql.raw(`grant ${rights} on all ${kind} in schema public to ${user}`).execute(database);
  }
  await database.destroy();
}

async function dropUser(address: DatabaseAddress, engine: ServerEngine, user: string): Promise<void> {
  if (engine === 'mysql') return administer(engine, `drop user ${user}@localhost`);
  const { database } = await openDatabase(address);
  await sql.raw(`drop owned by ${user}`).execute(database);
  await sql.raw(`drop role ${user}`).execute(database);
  await database.destroy();
}
