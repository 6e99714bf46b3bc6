// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { sql } from 'kysely';
import { SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../../../test/support/databases.ts';
import { context, fileOf, later, now, stored } from '../../../test/support/metadata-files.ts';
import { dumpedRows, restoreDump } from '../../../test/support/notary-dumps.ts';
import { definitionOf } from '../../../test/support/table-definitions.ts';
import { type DatabaseAddress, migrateSchemas, openDatabase } from '../../service/database/index.ts';
import {
  type Gun,
  notaryV1,
  parseGun,
  parseRoleName,
  sha256Hex,
  TARGETS,
  TIMESTAMP,
  type Version,
} from '../../tuf/index.ts';
import { ConflictError, UnstorableNameError } from './metadata-storage.ts';
import { openMetadataStorage } from './open-storage.ts';
import { METADATA_SCHEMA } from './schema.ts';

const NOTARY_TABLES = ['tuf_files', 'changefeed', 'change_category'] as const;
const gun = parseGun('example.com/app');

for (const engine of SERVER_ENGINES) describeTakeOver(engine);

function describeTakeOver(engine: ServerEngine): void {
  const scratch = scratchDatabases(engine);
  const restored = async (what?: 'schema') => {
    const address = { ...(await scratch()), engine };
    await restoreDump(address, 'server', what);
    return address;
  };

  describe(`a database of Notary taken over (${engine})`, () => {
    test('its tables stay as they were, to the last index', async () => {
      const address = await restored();
      const before = await definitions(address, engine);

      const [report] = await migrateSchemas(address, [METADATA_SCHEMA]);

      expect(report?.steps).toEqual(['0001_notary_tables', '0002_audit_and_expiry', '0003_list_of_collections']);
      expect(await definitions(address, engine)).toEqual(before);
    });

    test('every file is found by version, by hash and as the newest, with its time', async () => {
      const { storage, close } = await openMetadataStorage(await restored());
      const newest = new Map<string, number>();
      for (const [name, roleName, version, sha256, length, createdAt] of dumpedRows(engine).tuf_files) {
        const [owner, role] = [parseGun(name), parseRoleName(roleName)];
        const file = await storage.byVersion(owner, role, version as Version);
        expect(file).toMatchObject({ sha256, version: version as Version });
        expect(sha256Hex(file?.bytes ?? new Uint8Array())).toBe(sha256);
        expect(file?.bytes.length).toBe(length);
        expect(file?.createdAt).toEqual(new Date(`${createdAt.replace(' ', 'T')}Z`));
        expect(await storage.byHash(owner, role, sha256)).toEqual(file);
        newest.set(`${name} ${role}`, Math.max(version, newest.get(`${name} ${role}`) ?? 0));
      }
      for (const [key, version] of newest) {
        const [name = '', role = ''] = key.split(' ');
        expect(Number((await storage.latest(parseGun(name), parseRoleName(role)))?.version)).toBe(version);
      }
      await close();
    });

    test('the changefeed goes on where it was', async () => {
      const { storage, close } = await openMetadataStorage(await restored());
      const recorded = dumpedRows(engine).changefeed;

      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);

      const feed = await storage.changes({ from: 'oldest', limit: 100 });
      expect(
        feed
          .slice(0, -1)
          .map((change) => [Number(change.id), change.gun, change.version, change.sha256, change.category]),
      ).toEqual(recorded.map(([id, , name, version, sha256, category]) => [id, name, version, sha256, category]));
      expect(feed.slice(0, -1).map(({ createdAt }) => createdAt)).toEqual(
        recorded.map(([, createdAt]) => new Date(`${createdAt.replace(' ', 'T')}Z`)),
      );
      expect(Number(feed.at(-1)?.id)).toBe(recorded.length + 1);
      await close();
    });

    test('what expires is made up in steps, once, and again where Notary published meanwhile', async () => {
      const address = await restored();
      const { storage, close } = await openMetadataStorage(address);
      const roles = new Set(dumpedRows(engine).tuf_files.map(([name, role]) => `${name} ${role}`));
      let made = 0;
      for (let isComplete = false; !isComplete; ) {
        const step = await storage.backfillExpiry({ limit: 7, now });
        expect(step.recorded).toBeLessThanOrEqual(7);
        made += step.recorded;
        isComplete = step.isComplete;
      }

      const list = await storage.expiring({ before: new Date('2300-01-01'), limit: 1000 });

      expect([made, list.length]).toEqual([roles.size, roles.size]);
      for (const { gun: name, role, version, expires } of list) {
        const file = await storage.latest(name, role);
        const kind = role.startsWith('targets') ? 'targets' : (role as 'root');
        expect(file?.version).toBe(version);
        // dates of files are exact to the nanosecond
        expect(Math.floor(notaryV1.decode(kind, file?.bytes ?? new Uint8Array()).signed.expires.getTime())).toBe(
          expires.getTime(),
        );
      }
      await publishAsNotary(address);
      expect(await storage.backfillExpiry({ limit: 100, now })).toEqual({ recorded: 1, isComplete: true });
      expect(await storage.backfillExpiry({ limit: 100, now })).toEqual({ recorded: 0, isComplete: true });
      await close();
    });

    test('a publish on top is stored as rows that Notary reads: UTC times, padded hash, no mark of deletion', async () => {
      const address = await restored();
      const { storage, close } = await openMetadataStorage(address);
      const base = await storage.latest(parseGun('localhost:25050/vec/first'), TIMESTAMP);
      const name = parseGun('localhost:25050/vec/first');
      await storage.commit(name, base, [fileOf(TARGETS, 9), fileOf(TIMESTAMP, 9)], context);
      await storage.delete(parseGun('localhost:25050/vec/tags'), { ...context, now: later });

      const { database } = await openDatabase(address);
      const rows = await sql`select created_at, updated_at, deleted_at, role, version, sha256 from tuf_files
        where version = 9 and gun = ${name} order by id`.execute(database);
      const at = '2026-11-23 12:00:00';
      const times = { created_at: at, updated_at: at, deleted_at: null, version: 9 };
      expect(rows.rows).toEqual([
        { ...times, role: 'targets', sha256: fileOf(TARGETS, 9).sha256 },
        { ...times, role: 'timestamp', sha256: fileOf(TIMESTAMP, 9).sha256 },
      ]);
      expect((await storage.changes({ from: 'newest', limit: 1 }))[0]).toMatchObject({
        gun: 'localhost:25050/vec/tags',
        version: 0,
        sha256: '',
        category: 'deletion',
        createdAt: later,
      });
      await database.destroy();
      await close();
    });

    test('a database that Notary has not brought to its newest schema is refused', async () => {
      const address = await restored('schema');
      const { database } = await openDatabase(address);
      await sql`alter table tuf_files drop column sha256`.execute(database);
      await database.destroy();

      await expect(openMetadataStorage(address)).rejects.toMatchObject({ name: 'MigrationError' });
    });
  });

  describe(`names in Notary's own tables (${engine})`, () => {
    test('W case-insensitive GUNs: a name is never taken for another, and a collision is told as what it is', async () => {
      const { storage, close } = await openMetadataStorage(await restored('schema'));
      await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      const similar = ['Example.com/app', 'éxample.com/app', 'example.com/app '] as Gun[];
      for (const name of similar) {
        expect(await storage.latest(name, TARGETS)).toBeUndefined();
        expect(await storage.byVersion(name, TARGETS, 1 as Version)).toBeUndefined();
        expect(await storage.byHash(name, TARGETS, fileOf(TARGETS, 1).sha256)).toBeUndefined();
        expect(await storage.changes({ gun: name, from: 'oldest', limit: 9 })).toEqual([]);
        await storage.delete(name, context);
        const publish = storage.commit(
          name,
          undefined,
          [fileOf(TARGETS, 1, name), fileOf(TIMESTAMP, 1, name)],
          context,
        );
        if (engine === 'postgres') expect(await publish).toBeUndefined();
        else await expect(publish).rejects.toMatchObject({ name: 'UnstorableNameError', reason: 'collides' });
      }

      expect(await storage.latest(gun, TARGETS)).toMatchObject(stored(fileOf(TARGETS, 1)));
      const doubled = storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 2)], context);
      await expect(doubled).rejects.toBeInstanceOf(ConflictError);
      await close();
    });

    test('a name with characters that the tables lack names nothing, and is refused as such', async () => {
      const { storage, close } = await openMetadataStorage(await restored('schema'));
      const name = parseGun('example.com/\u{1f600}');

      expect(await storage.latest(name, TARGETS)).toBeUndefined();
      expect(await storage.changes({ gun: name, from: 'oldest', limit: 9 })).toEqual([]);
      await storage.delete(name, context);
      const publish = storage.commit(name, undefined, [fileOf(TIMESTAMP, 1)], context);
      if (engine === 'postgres') expect(await publish).toBeUndefined();
      else await expect(publish).rejects.toBeInstanceOf(UnstorableNameError);
      await close();
    });
  });
}

async function definitions(address: DatabaseAddress, engine: ServerEngine) {
  const { database } = await openDatabase(address);
  const found = [];
  for (const table of NOTARY_TABLES) found.push(await definitionOf(database, engine, table));
  await database.destroy();
  return found;
}

/** A timestamp stored by a program that knows nothing of our tables. */
async function publishAsNotary(address: DatabaseAddress): Promise<void> {
  const { database } = await openDatabase(address);
  await sql`insert into tuf_files (created_at, updated_at, gun, role, version, data, sha256)
    select created_at, updated_at, gun, role, 99, data, sha256 from tuf_files where id = 4`.execute(database);
  await database.destroy();
}
