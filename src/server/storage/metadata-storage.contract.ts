// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { context, fileOf, later, now, stored } from '../../../test/support/metadata-files.ts';
import { type Gun, parseGun, parseRoleName, ROOT, TARGETS, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { describeAudit, describeExpiry } from './audit-and-expiry.contract.ts';
import { describeListing } from './listing.contract.ts';
import { ConflictError, type MetadataStorage, type VerifiedFile } from './metadata-storage.ts';

const gun = parseGun('example.com/app');
const version = (number: number) => number as Version;
const commit = (storage: MetadataStorage, base: number | undefined, ...files: VerifiedFile[]) =>
  storage.commit(gun, base === undefined ? undefined : fileOf(TIMESTAMP, base), files, context);

/** What every storage of metadata has to do; run on each implementation. */
export function describeMetadataStorage(name: string, make: () => Promise<MetadataStorage>): void {
  describeAudit(name, make);
  describeExpiry(name, make);
  describeListing(name, make);
  describe(`${name} as metadata storage`, () => {
    test('a commit on the timestamp of a collection that was deleted and made anew is a conflict', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));
      await storage.delete(gun, context);
      await commit(storage, undefined, fileOf(TARGETS, 1, 'another'), fileOf(TIMESTAMP, 1, 'another'));

      const late = commit(storage, 1, fileOf(TARGETS, 2), fileOf(TIMESTAMP, 2));
      await expect(late).rejects.toBeInstanceOf(ConflictError);
      expect((await storage.latest(gun, TARGETS))?.version).toBe(version(1));
    });

    test('what was committed is found by role, version and hash, byte for byte', async () => {
      const storage = await make();
      const [first, second] = [fileOf(TARGETS, 2), fileOf(TARGETS, 3)];
      await commit(storage, undefined, first, fileOf(TIMESTAMP, 1));
      await commit(storage, 1, second, fileOf(TIMESTAMP, 2));

      expect(await storage.current(gun, TARGETS)).toMatchObject({ version: version(3), bytes: second.bytes });
      expect(await storage.byVersion(gun, TARGETS, version(2))).toMatchObject(stored(first));
      expect(await storage.byHash(gun, TARGETS, first.sha256)).toMatchObject(stored(first));
      expect((await storage.current(gun, TARGETS))?.createdAt).toEqual(now);
    });

    test('the newest of several roles are told at once, without what has no file', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 2), fileOf(TIMESTAMP, 1));
      await commit(storage, 1, fileOf(TARGETS, 10), fileOf(TIMESTAMP, 2));

      const heads = await storage.newest(gun, [ROOT, TARGETS, TIMESTAMP]);

      expect([...heads].sort()).toEqual([
        [TARGETS, { version: version(10), sha256: fileOf(TARGETS, 10).sha256 }],
        [TIMESTAMP, { version: version(2), sha256: fileOf(TIMESTAMP, 2).sha256 }],
      ]);
      expect((await storage.newest('Example.com/app' as Gun, [TARGETS])).size).toBe(0);
      expect((await storage.newest(gun, [])).size).toBe(0);
    });

    test('what is absent is undefined', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));

      expect(await storage.current(gun, ROOT)).toBeUndefined();
      expect(await storage.byVersion(gun, TARGETS, version(2))).toBeUndefined();
      expect(await storage.byHash(gun, TARGETS, '0'.repeat(64))).toBeUndefined();
    });

    test('W cross-GUN content by hash: content is found only under its own GUN and role', async () => {
      const storage = await make();
      const file = fileOf(TARGETS, 1);
      await commit(storage, undefined, file, fileOf(TIMESTAMP, 1));

      expect(await storage.byHash(gun, TARGETS, file.sha256)).toBeDefined();
      expect(await storage.byHash(parseGun('example.com/other'), TARGETS, file.sha256)).toBeUndefined();
      expect(await storage.byHash(gun, ROOT, file.sha256)).toBeUndefined();
    });

    test('W case-insensitive GUNs: names are compared byte by byte', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));

      expect(await storage.current('EXAMPLE.com/app' as Gun, TARGETS)).toBeUndefined();
      expect(await storage.current('example.com/app ' as Gun, TARGETS)).toBeUndefined();
      expect(await storage.current(parseGun('example.com/%pp'), TARGETS)).toBeUndefined();
    });

    test('a commit on a base that is no longer current stores nothing', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));

      const stale = commit(storage, undefined, fileOf(TARGETS, 2), fileOf(TIMESTAMP, 2));

      await expect(stale).rejects.toBeInstanceOf(ConflictError);
      await expect(commit(storage, 7, fileOf(TARGETS, 2))).rejects.toBeInstanceOf(ConflictError);
      expect((await storage.current(gun, TARGETS))?.version).toBe(version(1));
      expect(await storage.changes({ from: 'oldest', limit: 10 })).toHaveLength(1);
    });

    test('a version that is taken makes the whole commit fail, and nothing of it is stored', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));

      const doubled = commit(storage, 1, fileOf(ROOT, 1), fileOf(TARGETS, 1, 'other'), fileOf(TIMESTAMP, 2));

      await expect(doubled).rejects.toBeInstanceOf(ConflictError);
      expect(await storage.current(gun, ROOT)).toBeUndefined();
      expect((await storage.current(gun, TIMESTAMP))?.version).toBe(version(1));
      expect(await storage.byHash(gun, TARGETS, fileOf(TARGETS, 1).sha256)).toBeDefined();
    });

    test('of commits made at once on one base exactly one wins, the others get a conflict', async () => {
      const storage = await make();
      const outcomes = await Promise.allSettled(
        [1, 2, 3, 4].map((number) => commit(storage, undefined, fileOf(TARGETS, number), fileOf(TIMESTAMP, 1))),
      );

      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused).toHaveLength(3);
      expect(refused.every(({ reason }) => reason instanceof ConflictError)).toBe(true);
      expect(await storage.changes({ from: 'oldest', limit: 10 })).toHaveLength(1);
    });

    test('collections do not disturb each other', async () => {
      const storage = await make();
      const other = parseGun('example.com/app/sub');
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));
      await storage.commit(other, undefined, [fileOf(TARGETS, 9), fileOf(TIMESTAMP, 1)], context);

      expect((await storage.current(gun, TARGETS))?.version).toBe(version(1));
      expect((await storage.current(other, TARGETS))?.version).toBe(version(9));
    });

    test('a delegation is a role like any other', async () => {
      const storage = await make();
      const role = parseRoleName('targets/releases');
      await commit(storage, undefined, fileOf(role, 1), fileOf(TIMESTAMP, 1));

      expect(await storage.current(gun, role)).toMatchObject({ role });
      expect(await storage.current(gun, TARGETS)).toBeUndefined();
    });

    test('W memory DELETE by prefix: exactly one collection goes, wholly', async () => {
      const storage = await make();
      const longer = parseGun('example.com/app2');
      const file = fileOf(TARGETS, 1);
      await commit(storage, undefined, file, fileOf(TIMESTAMP, 1));
      await storage.commit(longer, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      await storage.byHash(gun, TARGETS, file.sha256);

      await storage.delete(gun, { now: later, actor: context.actor });

      expect(await storage.current(gun, TARGETS)).toBeUndefined();
      expect(await storage.byHash(gun, TARGETS, file.sha256)).toBeUndefined();
      expect(await storage.byVersion(gun, TARGETS, version(1))).toBeUndefined();
      expect(await storage.current(longer, TARGETS)).toBeDefined();
    });

    test('after a deletion the same versions can be stored again', async () => {
      const storage = await make();
      await commit(storage, undefined, fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1));
      await storage.delete(gun, { now: later, actor: context.actor });

      await commit(storage, undefined, fileOf(TARGETS, 1, 'new'), fileOf(TIMESTAMP, 1, 'new too'));

      expect((await storage.current(gun, TARGETS))?.sha256).toBe(fileOf(TARGETS, 1, 'new').sha256);
    });

    test('the changefeed has one entry for each timestamp and each deletion of something', async () => {
      const storage = await make();
      const timestamp = fileOf(TIMESTAMP, 1);
      await commit(storage, undefined, fileOf(TARGETS, 1), timestamp);
      await storage.delete(gun, { now: later, actor: context.actor });
      await storage.delete(gun, { now: later, actor: context.actor });

      expect(await storage.changes({ from: 'oldest', limit: 10 })).toEqual([
        { id: '1', createdAt: now, gun, version: 1, sha256: timestamp.sha256, category: 'update' },
        { id: '2', createdAt: later, gun, version: 0, sha256: '', category: 'deletion' },
      ]);
    });

    test('the last change is the one that the changefeed ends with', async () => {
      const storage = await make();
      const end = async () => Number((await storage.changes({ from: 'newest', limit: 1 })).at(-1)?.id ?? 0);
      expect(await storage.lastChange()).toBe(0);
      await commit(storage, undefined, fileOf(TIMESTAMP, 1));
      expect(await storage.lastChange()).toBe(await end());

      await storage.delete(gun, context);

      expect(await storage.lastChange()).toBe(await end());
    });

    test('the changefeed is read forwards and backwards, oldest first, by GUN or whole', async () => {
      const storage = await make();
      const other = parseGun('example.com/other');
      for (const number of [1, 2, 3]) {
        await commit(storage, number === 1 ? undefined : number - 1, fileOf(TIMESTAMP, number));
        await storage.commit(
          other,
          number === 1 ? undefined : fileOf(TIMESTAMP, number - 1),
          [fileOf(TIMESTAMP, number)],
          context,
        );
      }
      const ids = async (query: Parameters<MetadataStorage['changes']>[0]) =>
        (await storage.changes(query)).map(({ id }) => Number(id));

      expect(await ids({ from: 'oldest', limit: 2 })).toEqual([1, 2]);
      expect(await ids({ from: 'oldest', bound: 2, limit: 2 })).toEqual([3, 4]);
      expect(await ids({ from: 'newest', limit: 2 })).toEqual([5, 6]);
      expect(await ids({ from: 'newest', bound: 5, limit: 2 })).toEqual([3, 4]);
      expect(await ids({ from: 'oldest', bound: 6, limit: 2 })).toEqual([]);
      expect(await ids({ gun, from: 'oldest', limit: 10 })).toEqual([1, 3, 5]);
      expect(await ids({ gun: other, from: 'newest', limit: 1 })).toEqual([6]);
    });

    test('bytes of every value, and a file of 8 MiB, come back as they were', async () => {
      const storage = await make();
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const big = new Uint8Array(8 * 1024 * 1024).map((_, index) => index * 31);
      // a file may be a part of a larger buffer, such as a request's body
      const part = big.subarray(3, 1000);
      const files = [fileOf(ROOT, 1, every), fileOf(TARGETS, 1, big), fileOf(TIMESTAMP, 1, part)];
      await commit(storage, undefined, ...files);

      for (const file of files) {
        const found = await storage.latest(gun, file.role);
        expect(found?.sha256).toBe(file.sha256);
        expect(Buffer.compare(found?.bytes ?? new Uint8Array(), file.bytes)).toBe(0);
      }
    });

    test('an update of a thousand roles is stored whole', async () => {
      const storage = await make();
      const roles = Array.from({ length: 999 }, (_, index) => fileOf(parseRoleName(`targets/r${index}`), 1));
      await commit(storage, undefined, ...roles, fileOf(TIMESTAMP, 1));

      expect(await storage.latest(gun, parseRoleName('targets/r0'))).toMatchObject({ version: version(1) });
      expect(await storage.latest(gun, parseRoleName('targets/r998'))).toMatchObject({ version: version(1) });
      expect((await storage.audit({ limit: 1 }))[0]?.detail.files).toHaveLength(1000);
      const heads = await storage.newest(gun, [TIMESTAMP, ...roles.map(({ role }) => role)]);
      expect(heads.size).toBe(1000);
      expect(heads.get(parseRoleName('targets/r998'))).toEqual({
        version: version(1),
        sha256: roles[998]?.sha256 ?? '',
      });
    });

    test('the longest names, and names in other scripts, are names like others', async () => {
      const storage = await make();
      const names = ['é'.repeat(255), 'e'.repeat(255), 'прим.рф/имя', 'example.com/名前', `a'b"c%_;--`];
      for (const name of names)
        await storage.commit(
          parseGun(name),
          undefined,
          [fileOf(TARGETS, 1, name), fileOf(TIMESTAMP, 1, name)],
          context,
        );

      for (const name of names) {
        expect((await storage.latest(parseGun(name), TARGETS))?.bytes).toEqual(fileOf(TARGETS, 1, name).bytes);
      }
      expect((await storage.changes({ from: 'oldest', limit: 10 })).map((change) => change.gun)).toEqual(names);
    });

    test('a storage that works says so', async () => {
      const storage = await make();
      expect(await storage.check()).toBeUndefined();
    });
  });
}
