// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import { sql } from 'kysely';
import { CuttingProxy } from '../../../test/support/cutting-proxy.ts';
import { context, fileOf, stored } from '../../../test/support/metadata-files.ts';
import { failureOf } from '../../../test/support/refusals.ts';
import type { SharedTables } from '../../../test/support/shared-tables.ts';
import { DatabaseUnavailableError, openDatabase } from '../../service/database/index.ts';
import { type Gun, parseGun, parseRoleName, TARGETS, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { ConflictError, type MetadataStorage, OutcomeUnknownError } from './metadata-storage.ts';
import { storageOn } from './open-storage.ts';
import type { MetadataTables } from './schema.ts';

const gun = parseGun('example.com/app');
const guns = [gun, parseGun('example.com/other')];

/** What the databases that several replicas share have to do. */
export function describeSharedDatabase(name: string, database: SharedTables<MetadataTables>): void {
  describe(`${name} shared by replicas`, () => {
    test('of publishes on one base by two replicas one wins, whenever they come', async () => {
      const [one, two] = [storageOn(await database.empty()), storageOn(await database.another())];
      for (let round = 1; round <= 10; round++) {
        const base = round === 1 ? undefined : await one.latest(gun, TIMESTAMP);
        const attempts = [one, two, one, two].map((storage, index) =>
          storage.commit(gun, base, [fileOf(TIMESTAMP, round, `${round} ${index}`)], context),
        );
        const outcomes = await Promise.allSettled(attempts);

        const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(lost.map(({ reason }) => reason.name)).toEqual(Array(3).fill('ConflictError'));
        const won = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
        expect((await two.latest(gun, TIMESTAMP))?.sha256).toBe(fileOf(TIMESTAMP, round, `${round} ${won}`).sha256);
      }
    });

    test('versions further apart than by one conflict too: the base decides, not an index', async () => {
      const [one, two] = [storageOn(await database.empty()), storageOn(await database.another())];
      for (let round = 0; round < 5; round++) {
        const base = await one.latest(gun, TIMESTAMP);
        const next = (base?.version ?? 0) + 1;
        const outcomes = await Promise.allSettled([
          one.commit(gun, base, [fileOf(TIMESTAMP, next)], context),
          two.commit(gun, base, [fileOf(TIMESTAMP, next + 1)], context),
        ]);
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      }
    });

    test('publishes and deletions at once leave what the audit log tells, one after the other', async () => {
      const storages = [storageOn(await database.empty()), storageOn(await database.another())];
      await Promise.all(Array.from({ length: 6 }, (_, index) => worker(storages[index % 2] as MetadataStorage, index)));

      const [first] = storages as [MetadataStorage];
      for (const name of guns) {
        expect(await current(first, name)).toEqual(await replayed(first, name));
      }
    });

    test('what was stored without a hash can be published on', async () => {
      const opened = await database.empty();
      const storage = storageOn(opened);
      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
      await sql`update tuf_files set sha256 = null`.execute(opened.database);

      await storage.commit(gun, await storage.latest(gun, TIMESTAMP), [fileOf(TIMESTAMP, 2)], context);

      expect(await storage.latest(gun, TIMESTAMP)).toMatchObject(stored(fileOf(TIMESTAMP, 2)));
    });

    test('a failure half-way leaves nothing of a publish', async () => {
      const opened = await database.empty();
      const storage = storageOn(opened);
      await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      for (const table of ['hallmark_audit', 'hallmark_expiry', 'changefeed']) {
        await sql`alter table ${sql.table(table)} rename to away`.execute(opened.database);
        const failed = storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TARGETS, 2), fileOf(TIMESTAMP, 2)], context);
        await expect(failed).rejects.toThrow();
        await expect(storage.delete(gun, context)).rejects.toThrow();
        await sql`alter table away rename to ${sql.table(table)}`.execute(opened.database);
      }

      expect((await storage.latest(gun, TARGETS))?.version).toBe(1 as Version);
      expect((await storage.latest(gun, TIMESTAMP))?.version).toBe(1 as Version);
      expect(await storage.audit({ limit: 10 })).toHaveLength(1);
      await storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], context);
    });
  });

  describe(`${name} that goes away`, () => {
    test.each(['before-commit', 'after-commit'] as const)('cut %s: the publish is stored, once', async (cut) => {
      const { proxy, storage, direct, stop } = await behindProxy(database);
      await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      proxy.cutNext(cut);

      await storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TARGETS, 2), fileOf(TIMESTAMP, 2)], context);

      expect(proxy.cuts).toBe(1);
      expect(await direct.latest(gun, TARGETS)).toMatchObject(stored(fileOf(TARGETS, 2)));
      expect(await direct.audit({ limit: 10 })).toHaveLength(2);
      expect(await direct.changes({ from: 'oldest', limit: 10 })).toHaveLength(2);
      await stop();
    });

    test('stored, then deleted by another before the answer was missed: still no refusal', async () => {
      const { proxy, storage, direct, stop } = await behindProxy(database);
      proxy.cutNext('after-commit', true);

      const publish = storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      while ((await direct.latest(gun, TIMESTAMP)) === undefined) await Bun.sleep(1);
      await direct.delete(gun, context);
      await direct.commit(gun, undefined, [fileOf(TIMESTAMP, 5)], context);
      proxy.comeBack();
      await publish;

      expect((await direct.audit({ limit: 10 })).map(({ action }) => action)).toEqual(['publish', 'delete', 'publish']);
      await stop();
    });

    test('an outcome that nobody can find out is told as unknown, never as a refusal', async () => {
      const { proxy, storage, direct, stop } = await behindProxy(database, [1, 1]);
      proxy.cutNext('after-commit', true);

      const lost = storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);

      expect(await failureOf(lost)).toBeInstanceOf(OutcomeUnknownError);
      expect((await direct.latest(gun, TARGETS))?.version).toBe(1 as Version);
      await stop();
    });

    test('while it is away, whatever is asked says so, and nothing is changed', async () => {
      const { proxy, storage, direct, stop } = await behindProxy(database, [1]);
      await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
      proxy.cutNext('now', true);

      const asked: readonly (() => Promise<unknown>)[] = [
        () => storage.latest(gun, TIMESTAMP),
        () => storage.newest(gun, [TIMESTAMP]),
        () => storage.history(gun, TIMESTAMP, { limit: 1 }),
        () => storage.collections({ order: 'name', limit: 1 }),
        () => storage.expiring({ before: context.now, limit: 1 }),
        () => storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], context),
        () => storage.delete(gun, context),
        () => storage.changes({ from: 'oldest', limit: 1 }),
        () => storage.audit({ limit: 1 }),
        () => storage.recordAudit({ at: context.now, actor: context.actor, action: 'refused', detail: {} }),
        () => storage.check(),
      ];
      // the first of them finds connections that broke, the others none
      for (const ask of asked) expect(await failureOf(ask())).toBeInstanceOf(DatabaseUnavailableError);

      expect((await direct.latest(gun, TIMESTAMP))?.version).toBe(1 as Version);
      expect(await direct.audit({ limit: 10 })).toHaveLength(1);
      await stop();
    });

    test('a conflict over a collection that is called timeout is no outage', async () => {
      const storage = storageOn(await database.empty());
      const late = parseGun('example.com/timeout');
      await storage.commit(late, undefined, [fileOf(TIMESTAMP, 1)], context);

      const conflict = storage.commit(late, undefined, [fileOf(TIMESTAMP, 2)], context);

      expect(await failureOf(conflict)).toBeInstanceOf(ConflictError);
    });

    test.each(['before-commit', 'after-commit'] as const)('cut %s: a deletion is done, once', async (cut) => {
      const { proxy, storage, direct, stop } = await behindProxy(database);
      await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      proxy.cutNext(cut);

      await storage.delete(gun, context);

      expect(await direct.latest(gun, TARGETS)).toBeUndefined();
      expect((await direct.audit({ limit: 10 })).map(({ action }) => action)).toEqual(['publish', 'delete']);
      await stop();
    });

    test('connections that broke while nobody used them cost no request', async () => {
      const { proxy, storage, stop } = await behindProxy(database);
      await storage.commit(gun, undefined, [fileOf(TARGETS, 1), fileOf(TIMESTAMP, 1)], context);
      for (let round = 2; round <= 4; round++) {
        await Promise.all([1, 2, 3].map(() => storage.latest(gun, TARGETS)));
        proxy.cutNext('now');

        const read = await storage.latest(gun, TARGETS);
        proxy.cutNext('now');
        await storage.commit(gun, fileOf(TIMESTAMP, round - 1), [fileOf(TIMESTAMP, round)], context);

        expect(read?.version).toBe(1 as Version);
      }
      await stop();
    });
  });
}

async function behindProxy(database: SharedTables<MetadataTables>, patience?: readonly number[]) {
  const direct = storageOn(await database.empty());
  const proxy = await CuttingProxy.start(await database.address());
  const opened = await openDatabase<MetadataTables>({ ...proxy.address, poolSize: 3, connectTimeout: 2000 });
  const stop = async () => {
    await opened.database.destroy();
    await proxy.stop();
  };
  return { proxy, direct, storage: storageOn(opened, patience), stop };
}

/** Publishes on top of whatever there is, and now and then deletes all of it. */
async function worker(storage: MetadataStorage, seed: number): Promise<void> {
  const role = parseRoleName(`targets/w${seed}`);
  for (let step = 0; step < 12; step++) {
    const name = guns[(seed + step) % 2] as Gun;
    if ((seed * 7 + step) % 5 === 0) {
      await storage.delete(name, context);
      continue;
    }
    const base = await storage.latest(name, TIMESTAMP);
    const version = (base?.version ?? 0) + 1;
    const files = [fileOf(role, version, `${seed} ${step}`), fileOf(TIMESTAMP, version, `${seed} ${step} t`)];
    await storage.commit(name, base, files, context).catch((error) => {
      if (!(error instanceof ConflictError)) throw error;
    });
  }
}

/** Each role's current file, with its expiry's version. */
async function current(storage: MetadataStorage, name: Gun) {
  const expiring = await storage.expiring({ before: new Date('2300-01-01'), limit: 1000 });
  const found = new Map<string, string>();
  for (const { role, version } of expiring.filter((file) => file.gun === name)) {
    const file = await storage.latest(name, role);
    expect(file?.version).toBe(version);
    found.set(role, `${version} ${file?.sha256}`);
  }
  return found;
}

/** The same from the audit log alone. */
async function replayed(storage: MetadataStorage, name: Gun) {
  const found = new Map<string, string>();
  for (const { action, detail } of await storage.audit({ gun: name, limit: 1000 })) {
    if (action === 'delete') found.clear();
    const files = (detail.files ?? []) as unknown as { role: string; version: number; sha256: string }[];
    for (const { role, version, sha256 } of files) found.set(role, `${version} ${sha256}`);
  }
  return found;
}
