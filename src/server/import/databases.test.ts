// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { sql } from 'kysely';
import { SERVER_ENGINES, type ServerEngine, scratchDatabases } from '../../../test/support/databases.ts';
import { context, fileOf } from '../../../test/support/metadata-files.ts';
import { DUMP_PASSPHRASES, dumpedRows, restoreDump } from '../../../test/support/notary-dumps.ts';
import { type DatabaseAddress, type DatabaseEngine, openDatabase } from '../../service/database/index.ts';
import { openServiceKeys } from '../../signing/service-keys/index.ts';
import { type KeyId, parseGun, parseRoleName, sha256Hex, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { openMetadataStorage } from '../storage/index.ts';
import { copyDatabases } from './databases.ts';

const now = new Date('2026-11-25T12:00:00Z');
const ENGINES: readonly DatabaseEngine[] = ['sqlite', ...SERVER_ENGINES];

for (const from of SERVER_ENGINES) for (const to of ENGINES) describeCopy(from, to);

function describeCopy(from: ServerEngine, to: DatabaseEngine): void {
  const [scratchFrom, scratchTo] = [scratchDatabases(from), scratchDatabases(to)];
  const notary = async () => {
    const [server, signer] = [
      { ...(await scratchFrom()), engine: from },
      { ...(await scratchFrom()), engine: from },
    ] as const;
    await restoreDump(server, 'server');
    await restoreDump(signer, 'signer');
    return { server, signer };
  };
  const targets = async () => ({ server: await scratchTo(), signer: { ...(await scratchTo()), poolSize: 2 } });
  const copy = (a: Awaited<ReturnType<typeof notary>>, b: Awaited<ReturnType<typeof targets>>, progress = noProgress) =>
    copyDatabases({
      metadata: { from: a.server, to: b.server },
      keys: { from: a.signer, to: b.signer },
      clock: () => now,
      progress,
    });

  describe(`databases of Notary copied from ${from} to ${to}`, () => {
    test('every version, the changefeed with its numbers, and every key arrive as they were', async () => {
      const [source, target] = [await notary(), await targets()];
      const expected = dumpedRows(from);

      const copied = await copy(source, target);

      expect(copied.metadata.map(({ name, rows, copied: now }) => [name, rows, now])).toEqual([
        ['tuf_files', expected.tuf_files.length, expected.tuf_files.length],
        ['changefeed', expected.changefeed.length, expected.changefeed.length],
      ]);
      expect(copied.keys.map(({ rows }) => rows)).toEqual([expected.private_keys.length]);
      expect(copied.aliases).toEqual(['vec_alias_1', 'vec_alias_2']);
      const { storage, close } = await openMetadataStorage(target.server);
      for (const [gun, role, version, sha256, length] of expected.tuf_files) {
        const file = await storage.byVersion(parseGun(gun), parseRoleName(role), version as Version);
        expect([sha256Hex(file?.bytes ?? new Uint8Array()), file?.bytes.length]).toEqual([sha256, length]);
      }
      const feed = await storage.changes({ from: 'oldest', limit: 1000 });
      expect(feed.map(({ id, gun, version, sha256 }) => [Number(id), gun, version, sha256])).toEqual(
        expected.changefeed.map(([id, , gun, version, sha256]) => [id, gun, version, sha256]),
      );
      const seconds = (text: string) => text.slice(0, 19);
      expect(feed.map(({ createdAt }) => seconds(createdAt.toISOString().replace('T', ' ')))).toEqual(
        expected.changefeed.map(([, createdAt]) => seconds(createdAt)),
      );
      const roles = new Set(expected.tuf_files.map(([gun, role]) => `${gun} ${role}`));
      expect(await storage.expiring({ before: new Date('2300-01-01'), limit: 1000 })).toHaveLength(roles.size);
      expect((await storage.audit({ limit: 9 })).map(({ action }) => action)).toEqual(['import']);
      await close();
    });

    test('the copied keys open under their own aliases, and the database goes on counting', async () => {
      const [source, target] = [await notary(), await targets()];
      await copy(source, target);

      const passphrase = (alias: string) => DUMP_PASSPHRASES[alias];
      const options = { defaultAlias: 'vec_alias_1', passphrase, now: () => now };
      const { keys, close } = await openServiceKeys(target.signer, options);
      await keys.check();
      for (const [keyId, gun, role] of dumpedRows(from).private_keys)
        expect(await keys.info(keyId as KeyId)).toMatchObject({ gun: parseGun(gun), role: parseRoleName(role) });
      await keys.create(parseGun('example.com/new'), TIMESTAMP, 'ecdsa');
      await close();
      const metadata = await openMetadataStorage(target.server);
      await metadata.storage.commit(parseGun('example.com/new'), undefined, [fileOf(TIMESTAMP, 1)], context);
      const feed = await metadata.storage.changes({ from: 'oldest', limit: 1000 });
      expect(Number(feed.at(-1)?.id)).toBe(dumpedRows(from).changefeed.length + 1);
      await metadata.close();
    });

    test('the old databases are as they were, tables of ours included', async () => {
      const [source, target] = [await notary(), await targets()];
      await copy(source, target);

      const { database } = await openDatabase<{ hallmark_audit: { id: number } }>(source.server);
      await expect(sql`select 1 from hallmark_audit`.execute(database)).rejects.toThrow();
      await database.destroy();
    });

    test('a copy that broke off is gone on with; a second one copies nothing; other rows are never written over', async () => {
      const [source, target] = [await notary(), await targets()];
      const broken = copy(source, target, (table) => {
        if (table === 'tuf_files') throw new Error('the power went');
      });
      await expect(broken).rejects.toThrow('the power went');

      const second = await copy(source, target);
      expect(second.metadata[0]?.copied).toBeLessThan(dumpedRows(from).tuf_files.length);
      expect(second.metadata[0]?.rows).toBe(dumpedRows(from).tuf_files.length);
      expect([...(await copy(source, target)).metadata].map(({ copied }) => copied)).toEqual([0, 0]);

      await execute(target.server, "update tuf_files set role = 'targets/other' where id = 2");
      await expect(copy(source, target)).rejects.toThrow('the target has other rows already');
    });
  });
}

function noProgress(_table: string, _done: number, _total: number): void {}

async function execute(address: DatabaseAddress, statement: string): Promise<void> {
  const { database } = await openDatabase<object>(address);
  await sql.raw(statement).execute(database);
  await database.destroy();
}
