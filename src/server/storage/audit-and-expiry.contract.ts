// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { context, fileOf, later, now } from '../../../test/support/metadata-files.ts';
import {
  type Gun,
  parseGun,
  parseRoleName,
  ROOT,
  SNAPSHOT,
  TARGETS,
  TIMESTAMP,
  type Version,
} from '../../tuf/index.ts';
import { ANONYMOUS, SERVER_ITSELF } from '../actor.ts';
import type { AuditQuery } from './audit.ts';
import { ConflictError, type ExpiryQuery, type MetadataStorage } from './metadata-storage.ts';

const gun = parseGun('example.com/app');
const other = parseGun('example.com/other');
const mallory = { name: 'mallory', address: '2001:db8::1' };

/** What every storage of metadata has to do for whoever asks later who did what. */
export function describeAudit(name: string, make: () => Promise<MetadataStorage>): void {
  const ids = async (storage: MetadataStorage, query: Partial<AuditQuery>) =>
    (await storage.audit({ limit: 100, ...query })).map(({ id }) => Number(id));

  describe(`${name} as audit log`, () => {
    test('a publish leaves who, when, from where, and each file by role, version and hash', async () => {
      const storage = await make();
      const files = [fileOf(ROOT, 1), fileOf(parseRoleName('targets/releases'), 3), fileOf(TIMESTAMP, 1)];
      await storage.commit(gun, undefined, files, context);

      expect(await storage.audit({ limit: 10 })).toEqual([
        {
          id: '1',
          at: now,
          actor: context.actor,
          action: 'publish',
          gun,
          detail: { files: files.map(({ role, version, sha256 }) => ({ role, version, sha256 })) },
        },
      ]);
    });

    test('a renewal and a deletion are told apart from a publish, and outlive the collection', async () => {
      const storage = await make();
      await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      const renewal = { now: later, actor: SERVER_ITSELF, action: 'renew' } as const;
      await storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], renewal);
      await storage.delete(gun, { now: later, actor: mallory });

      const log = await storage.audit({ gun, limit: 10 });

      expect(log.map(({ action, actor, at }) => [action, actor, at])).toEqual([
        ['publish', context.actor, now],
        ['renew', SERVER_ITSELF, later],
        ['delete', mallory, later],
      ]);
      expect(log[2]?.detail).toEqual({ removed: 3 });
    });

    test('several versions of one role in one commit: all are found, and the newest is what expires', async () => {
      const storage = await make();
      const roots = [fileOf(ROOT, 1), fileOf(ROOT, 2), fileOf(ROOT, 3)];
      const imported = { now: later, actor: SERVER_ITSELF, action: 'import' } as const;
      await storage.commit(gun, undefined, [...roots, fileOf(TIMESTAMP, 7)], imported);

      for (const { version, bytes } of roots)
        expect((await storage.byVersion(gun, ROOT, version))?.bytes).toEqual(bytes);
      const expiring = await storage.expiring({ role: ROOT, before: new Date('2300-01-01'), limit: 9 });
      expect(expiring.map(({ version }) => Number(version))).toEqual([3]);
      expect((await storage.audit({ gun, limit: 9 })).map(({ action }) => action)).toEqual(['import']);
    });

    test('what was refused or changed nothing leaves no entry of its own', async () => {
      const storage = await make();
      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);

      const late = storage.commit(gun, undefined, [fileOf(TIMESTAMP, 2)], context);
      await expect(late).rejects.toBeInstanceOf(ConflictError);
      await storage.delete(other, context);

      expect(await storage.audit({ limit: 10 })).toHaveLength(1);
    });

    test('other actions are appended as they are given, hostile names included', async () => {
      const storage = await make();
      const actor = { name: 'naïve\u{1f600}\0 \ud800 "\' \\ %', address: '::1', requestId: 'x'.repeat(1000) };
      const detail = { role: 'timestamp', nested: { list: [1, null, true, '\u2028\0'] } };
      await storage.recordAudit({ at: now, actor, action: 'key-rotate', gun, detail });
      await storage.recordAudit({ at: now, actor: ANONYMOUS, action: 'refused', detail: {} });

      const [first, second] = await storage.audit({ limit: 10 });

      expect(first).toMatchObject({ action: 'key-rotate', gun, detail, at: now });
      expect(first?.actor.name).toStartWith('naïve\u{1f600}');
      expect(second).toEqual({ id: '2', at: now, actor: ANONYMOUS, action: 'refused', detail: {} });
    });

    test('the log is read by GUN, actor, time and position', async () => {
      const storage = await make();
      for (const [index, name] of ['ann', 'Ann', 'ann', 'bob'].entries()) {
        const at = new Date(now.getTime() + index);
        await storage.recordAudit({ at, actor: { name }, action: 'refused', gun: index < 2 ? gun : other, detail: {} });
      }
      const at = (index: number) => new Date(now.getTime() + index);

      expect(await ids(storage, {})).toEqual([1, 2, 3, 4]);
      expect(await ids(storage, { gun })).toEqual([1, 2]);
      expect(await ids(storage, { gun: 'EXAMPLE.com/app' as Gun })).toEqual([]);
      expect(await ids(storage, { actor: 'ann' })).toEqual([1, 3]);
      expect(await ids(storage, { since: at(1), until: at(3) })).toEqual([2, 3]);
      expect(await ids(storage, { after: 2, limit: 1 })).toEqual([3]);
      expect(await ids(storage, { gun: other, actor: 'ann', after: 0 })).toEqual([3]);
    });
  });
}

/** What every storage of metadata has to do for whoever renews what is about to expire. */
export function describeExpiry(name: string, make: () => Promise<MetadataStorage>): void {
  const day = (number: number) => new Date(Date.UTC(2026, 11, number, 12, 0, 0, 250));
  const far = new Date('2300-01-01T00:00:00Z');
  const list = async (storage: MetadataStorage, query: Partial<ExpiryQuery> = {}): Promise<unknown[][]> =>
    (await storage.expiring({ before: far, limit: 100, ...query })).map((file) => [
      file.gun,
      file.role,
      Number(file.version),
      file.expires,
    ]);

  describe(`${name} as list of what expires`, () => {
    test('each role has one entry: its current file', async () => {
      const storage = await make();
      const first = [
        fileOf(TARGETS, 1, 'a', day(20)),
        fileOf(SNAPSHOT, 1, 'b', day(10)),
        fileOf(TIMESTAMP, 1, 'c', day(5)),
      ];
      await storage.commit(gun, undefined, first, context);
      await storage.commit(gun, fileOf(TIMESTAMP, 1, 'c'), [fileOf(TIMESTAMP, 2, 'd', day(19))], context);

      expect(await list(storage)).toEqual([
        [gun, 'snapshot', 1, day(10)],
        [gun, 'timestamp', 2, day(19)],
        [gun, 'targets', 1, day(20)],
      ]);
    });

    test('the list is cut by moment and role, and goes on where it ended', async () => {
      const storage = await make();
      const names = ['example.com/b', 'example.com/a', 'example.com/B', 'example.com/a/a'].map(parseGun);
      for (const name of names) {
        await storage.commit(
          name,
          undefined,
          [fileOf(TARGETS, 1, name, day(9)), fileOf(TIMESTAMP, 1, name, day(3))],
          context,
        );
      }
      const sorted = [...names].sort();

      expect((await list(storage, { before: day(9) })).map(([found]) => found)).toEqual(sorted);
      expect(await list(storage, { before: day(3) })).toEqual([]);
      expect((await list(storage, { from: day(9) })).map(([found]) => found)).toEqual(sorted);
      expect(await list(storage, { from: new Date(day(9).getTime() + 1) })).toEqual([]);
      expect(await list(storage, { role: TARGETS })).toEqual(sorted.map((name) => [name, 'targets', 1, day(9)]));
      const seen: unknown[] = [];
      let after = (await storage.expiring({ before: far, limit: 1 }))[0];
      while (after !== undefined) {
        seen.push([after.gun, after.role]);
        [after] = await storage.expiring({ before: far, limit: 1, after });
      }
      expect(seen).toEqual([...sorted.map((name) => [name, 'timestamp']), ...sorted.map((name) => [name, 'targets'])]);
    });

    test('a deleted collection has no entry, and one made anew counts from its own beginning', async () => {
      const storage = await make();
      await storage.commit(other, undefined, [fileOf(TIMESTAMP, 7, 'x', day(1))], context);
      await storage.commit(
        gun,
        undefined,
        [fileOf(TARGETS, 8, 'y', day(2)), fileOf(TIMESTAMP, 9, 'x', day(2))],
        context,
      );
      await storage.delete(gun, context);
      expect(await list(storage)).toEqual([[other, 'timestamp', 7, day(1)]]);

      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1, 'z', day(3))], context);

      expect(await list(storage, { role: TIMESTAMP })).toEqual([
        [other, 'timestamp', 7, day(1)],
        [gun, 'timestamp', 1, day(3)],
      ]);
    });

    test('years after 2038 and before 9999 are dates like others', async () => {
      const storage = await make();
      const end = new Date('9998-12-31T23:59:59.999Z');
      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1, 'x', end)], context);

      expect(await list(storage, { before: new Date('9999-12-31T00:00:00Z') })).toEqual([[gun, 'timestamp', 1, end]]);
      expect(await list(storage)).toEqual([]);
    });

    test('where every file was stored by Hallmark there is nothing to make up', async () => {
      const storage = await make();
      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1 as Version)], context);

      expect(await storage.backfillExpiry({ limit: 100, now })).toEqual({ recorded: 0, isComplete: true });
    });
  });
}
