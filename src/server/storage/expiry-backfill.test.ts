// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import type { KyselyPlugin } from 'kysely';
import { SERVER_ENGINES, scratchDatabases } from '../../../test/support/databases.ts';
import { context, fileOf, now } from '../../../test/support/metadata-files.ts';
import { type DatabaseEngine, migrateDatabase, openDatabase } from '../../service/database/index.ts';
import { parseGun, SNAPSHOT, TIMESTAMP } from '../../tuf/index.ts';
import { storageOn } from './open-storage.ts';
import { METADATA_SCHEMA, type MetadataTables } from './schema.ts';

const DAY = 86_400_000;
const NOTHING_NEW = { recorded: 0, isComplete: true };
const gun = parseGun('example.com/app');

for (const engine of ['sqlite', ...SERVER_ENGINES] as const) describeBackfill(engine);

function describeBackfill(engine: DatabaseEngine): void {
  const scratch = scratchDatabases(engine);

  /** A database that another program writes to, and what reading it takes. */
  async function stage() {
    const address = { ...(await scratch()), engine };
    const opened = await openDatabase<MetadataTables>(address);
    await migrateDatabase(opened, METADATA_SCHEMA);
    const seen = { queries: 0, rows: 0, heard: () => {} };
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        seen.queries++;
        seen.heard();
        seen.rows += result.rows.length;
        return result;
      },
    };
    const storage = storageOn({ ...opened, database: opened.database.withPlugin(counting) } as typeof opened);
    const put = async (...files: readonly (readonly [string, string, number])[]) => {
      const rows = files.map(([name, role, version]) => {
        return {
          gun: name,
          role,
          version,
          data: Buffer.from('{}'),
          sha256: `${name} ${version}`.padEnd(64).slice(0, 64),
        };
      });
      for (let from = 0; from < rows.length; from += 500) {
        await opened.database
          .insertInto('tuf_files')
          .values(rows.slice(from, from + 500))
          .execute();
      }
    };
    const recorded = async () => {
      const rows = await opened.database.selectFrom('hallmark_expiry').select(['gun', 'role', 'version']).execute();
      return rows.map((row) => `${row.gun} ${row.role} ${row.version}`).sort();
    };
    const reading = async (at = now, signal?: AbortSignal) => {
      Object.assign(seen, { queries: 0, rows: 0 });
      const progress = await storage.backfillExpiry({ limit: 20_000, now: at, ...(signal && { signal }) });
      return { progress, queries: seen.queries, rows: seen.rows };
    };
    return { storage, seen, put, recorded, reading, database: opened.database, close: () => opened.database.destroy() };
  }

  describe(`the list of what expires, made up (${engine})`, () => {
    test('a second step reads nothing, until something is new', async () => {
      const { put, reading, recorded, close } = await stage();
      await put(['a', 'timestamp', 1], ['a', 'timestamp', 2], ['b', 'timestamp', 1]);

      expect((await reading()).progress).toEqual({ recorded: 2, isComplete: true });
      expect(await reading()).toEqual({ progress: NOTHING_NEW, queries: 1, rows: 0 });
      await put(['b', 'timestamp', 2]);
      expect((await reading()).progress).toEqual({ recorded: 1, isComplete: true });
      expect(await recorded()).toEqual(['a timestamp 2', 'b timestamp 2']);
      await reading();
      expect(await reading()).toEqual({ progress: NOTHING_NEW, queries: 1, rows: 0 });
      await close();
    });

    test('where all is recorded, a page takes two queries, however many repositories are in it', async () => {
      const { put, reading, database, close } = await stage();
      const files = Array.from({ length: 1200 }, (_, index) => [`r${index}`, 'timestamp', 1] as const);
      await put(...files);
      for (let from = 0; from < 1200; from += 400) {
        const rows = files.slice(from, from + 400).map(([name, role, version]) => ({ gun: name, role, version }));
        await database
          .insertInto('hallmark_expiry')
          .values(rows.map((row) => ({ ...row, expires_at: null })))
          .execute();
      }

      expect(await reading()).toMatchObject({ progress: NOTHING_NEW, queries: 6 });
      await close();
    });

    test('once a day all files are looked at: what another program removed leaves nothing new behind', async () => {
      const { put, reading, recorded, database, close } = await stage();
      await put(['a', 'timestamp', 1], ['a', 'timestamp', 2]);
      await reading();
      await database.deleteFrom('tuf_files').where('version', '=', 2).execute();

      expect((await reading(new Date(now.getTime() + DAY - 1))).progress).toEqual(NOTHING_NEW);
      expect(await recorded()).toEqual(['a timestamp 2']);
      expect((await reading(new Date(now.getTime() + DAY))).progress).toEqual({ recorded: 1, isComplete: true });
      expect(await recorded()).toEqual(['a timestamp 1']);
      await close();
    });

    test('a row that becomes visible below one that was seen is not passed over', async () => {
      const { put, reading, recorded, database, close } = await stage();
      await put(['a', 'timestamp', 1]);
      await reading();
      await put(['late', 'timestamp', 1], ['b', 'timestamp', 1]);
      const late = await database
        .selectFrom('tuf_files')
        .selectAll()
        .where('gun', '=', 'late')
        .executeTakeFirstOrThrow();
      await database.deleteFrom('tuf_files').where('gun', '=', 'late').execute();
      await reading();
      await database.insertInto('tuf_files').values(late).execute();
      await reading();

      expect(await recorded()).toEqual(['a timestamp 1', 'b timestamp 1', 'late timestamp 1']);
      await close();
    });

    test('a step reads a bounded number of rows, and the next one goes on', async () => {
      const { put, reading, close } = await stage();
      await put(...Array.from({ length: 10_001 }, (_, index) => ['a', 'timestamp', index + 1] as const));

      const first = await reading();
      expect(first.progress).toEqual({ recorded: 1, isComplete: false });
      expect((await reading()).progress).toEqual(NOTHING_NEW);
      await close();
    });

    test('a stop ends it, and the next call goes on', async () => {
      const { put, seen, reading, recorded, close } = await stage();
      await put(...Array.from({ length: 3 }, (_, index) => [`r${index}`, 'timestamp', 1] as const));
      const stopping = new AbortController();
      // page, what is known, the first file: then it is told to stop
      seen.heard = () => {
        if (seen.queries === 3) stopping.abort();
      };
      const stopped = await reading(now, stopping.signal);

      expect(stopped).toMatchObject({ progress: { recorded: 1, isComplete: false }, queries: 4 });
      expect((await reading(now, stopping.signal)).queries).toBe(0);
      expect((await reading()).progress).toEqual({ recorded: 2, isComplete: true });
      expect(await recorded()).toHaveLength(3);
      await close();
    });

    test('names that differ in case alone have versions of their own; what Hallmark stored is not touched', async () => {
      const { storage, put, reading, recorded, close } = await stage();
      await storage.commit(gun, undefined, [fileOf(SNAPSHOT, 3), fileOf(TIMESTAMP, 3)], context);
      await put(['example.com/App', 'timestamp', 7]);

      expect((await reading()).progress).toEqual({ recorded: 1, isComplete: true });
      expect(await recorded()).toEqual([
        'example.com/App timestamp 7',
        'example.com/app snapshot 3',
        'example.com/app timestamp 3',
      ]);
      await close();
    });
  });
}
