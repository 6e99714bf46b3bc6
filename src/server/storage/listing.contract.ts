// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { context, fileOf, later, now } from '../../../test/support/metadata-files.ts';
import { parseGun, parseRoleName, TARGETS, TIMESTAMP, type Version } from '../../tuf/index.ts';
import type { AuditQuery } from './audit.ts';
import type { MetadataStorage } from './index.ts';
import type { CollectionQuery } from './listing.ts';

const gun = parseGun('example.com/app');
const day = (number: number) => new Date(Date.UTC(2026, 11, number, 12, 0, 0, 250));
const all = (storage: MetadataStorage, query: Partial<CollectionQuery> = {}) =>
  storage.collections({ order: 'name', limit: 100, ...query });
const names = async (storage: MetadataStorage, query: Partial<CollectionQuery> = {}): Promise<string[]> =>
  (await all(storage, query)).map((found) => found.gun);

async function store(storage: MetadataStorage, name: string, expires: Date): Promise<void> {
  const files = [
    fileOf(TARGETS, 3, name, expires),
    fileOf(parseRoleName('targets/releases'), 1, name, day(1)),
    fileOf(TIMESTAMP, 1, name),
  ];
  await storage.commit(parseGun(name), undefined, files, context);
}

const TEAM = ['example.com/team/a', 'example.com/team/b', 'example.com/teammate', 'example.org/Team/a'];

async function filled(make: () => Promise<MetadataStorage>): Promise<MetadataStorage> {
  const storage = await make();
  for (const [index, name] of [...TEAM].reverse().entries()) await store(storage, name, day(index < 2 ? 9 : 5));
  return storage;
}

/** What every storage of metadata has to do for whoever looks through what there is. */
export function describeListing(name: string, make: () => Promise<MetadataStorage>): void {
  describe(`${name} as list of collections`, () => {
    test('each collection is listed once, with its targets, by name or by their expiry, both ways', async () => {
      const storage = await filled(make);
      const byExpiry = [TEAM[0], TEAM[1], TEAM[2], TEAM[3]] as string[];

      expect((await all(storage))[0]).toEqual({
        gun: parseGun(TEAM[0] as string),
        version: 3 as Version,
        expires: day(5),
      });
      expect(await names(storage)).toEqual(TEAM);
      expect(await names(storage, { descending: true })).toEqual([...TEAM].reverse());
      expect(await names(storage, { order: 'expiry' })).toEqual(byExpiry);
      expect(await names(storage, { order: 'expiry', descending: true })).toEqual([...byExpiry].reverse());
    });

    test('every order goes on where it ended, page by page, and misses nothing', async () => {
      const storage = await filled(make);
      for (const order of ['name', 'expiry'] as const) {
        for (const descending of [false, true]) {
          const seen: string[] = [];
          let page = await all(storage, { order, descending, limit: 1 });
          while (page[0] !== undefined) {
            seen.push(page[0].gun);
            page = await all(storage, { order, descending, limit: 1, after: page[0] });
          }
          expect(seen).toEqual(await names(storage, { order, descending }));
        }
      }
    });

    test('a search is for a part of the name, letter by letter, and no pattern', async () => {
      const storage = await filled(make);
      await store(storage, 'example.com/100%_x', day(7));

      expect(await names(storage, { contains: 'team/' })).toEqual([TEAM[0], TEAM[1]] as string[]);
      expect(await names(storage, { contains: 'Team' })).toEqual([TEAM[3]] as string[]);
      expect(await names(storage, { contains: '%_' })).toEqual(['example.com/100%_x']);
      for (const odd of ['_', "'", '\\', '\0', '\ud800', '\u{1f600}']) {
        expect(await names(storage, { contains: odd })).toEqual(odd === '_' ? ['example.com/100%_x'] : []);
      }
    });

    test('whoever may see some collections is listed those alone: by name, and by beginning', async () => {
      const storage = await filled(make);
      const some = (guns: string[], prefixes: string[]) => names(storage, { within: { guns, prefixes } });

      expect(await some([], ['example.com/team/'])).toEqual([TEAM[0], TEAM[1]] as string[]);
      expect(await some([TEAM[2] as string, 'example.com/absent'], [])).toEqual([TEAM[2]] as string[]);
      expect(await some([TEAM[3] as string], ['example.com/team/', '\0'])).toEqual([
        TEAM[0],
        TEAM[1],
        TEAM[3],
      ] as string[]);
      expect(await some([], [])).toEqual([]);
      expect(await some(['EXAMPLE.com/teammate', '\0'], ['example.com/TEAM', 'xample.com/'])).toEqual([]);
    });

    test('a deleted collection is not listed', async () => {
      const storage = await filled(make);
      await storage.delete(parseGun(TEAM[1] as string), { now: later, actor: context.actor });
      expect(await names(storage)).toEqual([TEAM[0], TEAM[2], TEAM[3]] as string[]);
    });

    test('what expires is listed within the same bounds', async () => {
      const storage = await filled(make);
      const query = { before: day(30), limit: 100, role: TARGETS };
      const within = { guns: [TEAM[2] as string], prefixes: ['example.org/'] };
      const found = await storage.expiring({ ...query, within });
      expect(found.map((file): string => file.gun)).toEqual([TEAM[2], TEAM[3]] as string[]);
    });
  });

  describe(`${name} as history`, () => {
    test('every version of a role is listed, the newest first, and page by page', async () => {
      const storage = await make();
      for (const number of [1, 2, 4]) {
        const base = number === 1 ? undefined : fileOf(TIMESTAMP, number === 4 ? 2 : 1);
        await storage.commit(gun, base, [fileOf(TARGETS, number), fileOf(TIMESTAMP, number)], context);
      }
      const versions = async (query: { before?: Version; limit: number }) =>
        (await storage.history(gun, TARGETS, query)).map(({ version }) => Number(version));

      expect((await storage.history(gun, TARGETS, { limit: 1 }))[0]).toEqual({
        version: 4 as Version,
        sha256: fileOf(TARGETS, 4).sha256,
        createdAt: now,
      });
      expect(await versions({ limit: 10 })).toEqual([4, 2, 1]);
      expect(await versions({ limit: 1, before: 4 as Version })).toEqual([2]);
      expect(await versions({ limit: 10, before: 1 as Version })).toEqual([]);
      expect(await storage.history(parseGun('example.com/other'), TARGETS, { limit: 10 })).toEqual([]);
    });
  });

  describe(`${name} as audit log that is looked through`, () => {
    test('backwards, by action, and within bounds', async () => {
      const storage = await make();
      const entries = [TEAM[0], TEAM[2], undefined, TEAM[1]] as (string | undefined)[];
      for (const [index, about] of entries.entries()) {
        const action = index % 2 === 0 ? 'refused' : 'key-create';
        const named = about === undefined ? {} : { gun: parseGun(about) };
        await storage.recordAudit({ at: now, actor: context.actor, action, ...named, detail: {} });
      }
      const ids = async (query: Partial<AuditQuery>) =>
        (await storage.audit({ limit: 100, ...query })).map(({ id }) => Number(id));

      expect(await ids({ from: 'newest', limit: 2 })).toEqual([3, 4]);
      expect(await ids({ from: 'newest', limit: 2, before: 3 })).toEqual([1, 2]);
      expect(await ids({ action: 'refused' })).toEqual([1, 3]);
      expect(await ids({ within: { guns: [TEAM[2] as string], prefixes: ['example.com/team/'] } })).toEqual([1, 2, 4]);
      expect(await ids({ within: { guns: [], prefixes: [] } })).toEqual([]);
    });
  });
}
