// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { context, fileOf } from '../../../test/support/metadata-files.ts';
import { parseGun, TARGETS, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { ByteBoundedMap } from './byte-bounded-map.ts';
import { CachedStorage, type StorageCacheOptions } from './cached.ts';
import { MemoryStorage } from './memory.ts';
import { describeMetadataStorage } from './metadata-storage.contract.ts';
import { ConflictError, type MetadataStorage } from './metadata-storage.ts';

const gun = parseGun('example.com/app');

describeMetadataStorage('CachedStorage', async () => new CachedStorage(new MemoryStorage()));
describeMetadataStorage('CachedStorage without room', async () => new CachedStorage(new MemoryStorage(), { bytes: 0 }));

/** A storage that notes what it is asked, and two replicas in front of it. */
function stage(options: StorageCacheOptions = {}) {
  const storage = new MemoryStorage();
  const asked: string[] = [];
  const watched = new Proxy<MetadataStorage>(storage, {
    get(target, name: keyof MetadataStorage) {
      return (...args: never[]) => {
        asked.push(name);
        return (target[name] as (...args: never[]) => unknown)(...args);
      };
    },
  });
  const time = { ms: 0 };
  const replica = () => new CachedStorage(watched, { ...options, elapsed: () => time.ms });
  return { storage, asked, time, replica };
}

describe('CachedStorage', () => {
  test('warm reads of what a hash or version names do not touch the database', async () => {
    const { asked, replica } = stage();
    const cache = replica();
    const file = fileOf(TARGETS, 1);
    await cache.commit(gun, undefined, [file, fileOf(TIMESTAMP, 1)], context);
    const read = () =>
      Promise.all([cache.byHash(gun, TARGETS, file.sha256), cache.byVersion(gun, TARGETS, 1 as Version)]);
    await read();
    asked.length = 0;

    const again = await read();

    expect(again.every((found) => found?.sha256 === file.sha256)).toBe(true);
    expect(asked).toEqual([]);
  });

  test('what is current is at most a second old, even if the changefeed never tells of a write', async () => {
    const { storage, time, replica } = stage();
    const reader = replica();
    await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    storage.lastChange = async () => 0;
    storage.changes = async () => [];
    const version = async () => (await reader.current(gun, TIMESTAMP))?.version;
    expect(await version()).toBe(1 as Version);

    await storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], context);
    time.ms = 999;
    expect(await version()).toBe(1 as Version);
    time.ms = 1000;
    expect(await version()).toBe(2 as Version);
  });

  test('S17 among replicas a client never goes back to an older timestamp: another replica shows a write at once', async () => {
    const { storage, replica } = stage();
    const [writer, reader] = [replica(), replica()];
    await writer.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    await Promise.all([writer.current(gun, TIMESTAMP), reader.current(gun, TIMESTAMP)]);

    await writer.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], context);
    expect((await reader.current(gun, TIMESTAMP))?.version).toBe(2 as Version);

    await storage.delete(gun, context);
    expect(await reader.current(gun, TIMESTAMP)).toBeUndefined();
    expect(await reader.byHash(gun, TIMESTAMP, fileOf(TIMESTAMP, 2).sha256)).toBeUndefined();
  });

  test('among replicas a warm read asks the changefeed, and for nothing else', async () => {
    const { asked, replica } = stage();
    const cache = replica();
    await cache.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    await cache.current(gun, TIMESTAMP);
    asked.length = 0;

    await Promise.all(Array.from({ length: 50 }, () => cache.current(gun, TIMESTAMP)));

    expect([...new Set(asked)]).toEqual(['lastChange']);
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  test('a read that was under way during a write does not bring the old state back', async () => {
    const { storage, replica } = stage();
    const cache = replica();
    await cache.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    const slow = Promise.withResolvers<void>();
    const read = storage.latest.bind(storage);
    storage.latest = async (...args) => {
      const found = await read(...args);
      await slow.promise;
      return found;
    };

    const early = cache.current(gun, TIMESTAMP);
    await cache.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], context);
    storage.latest = read;
    slow.resolve();
    await early;

    expect((await cache.current(gun, TIMESTAMP))?.version).toBe(2 as Version);
  });

  test('a conflict shows that what is held is old', async () => {
    const { storage, replica } = stage();
    const cache = replica();
    await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    await cache.current(gun, TIMESTAMP);
    await storage.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2)], context);

    const stale = cache.commit(gun, fileOf(TIMESTAMP, 1), [fileOf(TIMESTAMP, 2, 'other')], context);

    await expect(stale).rejects.toBeInstanceOf(ConflictError);
    expect((await cache.current(gun, TIMESTAMP))?.version).toBe(2 as Version);
  });

  test('W content survives DELETE: what another replica deleted goes once its timestamp is missed', async () => {
    const { storage, time, replica } = stage();
    const cache = replica();
    const file = fileOf(TARGETS, 1);
    await cache.commit(gun, undefined, [file, fileOf(TIMESTAMP, 1)], context);
    await Promise.all([cache.byHash(gun, TARGETS, file.sha256), cache.current(gun, TIMESTAMP)]);
    await storage.delete(gun, context);

    time.ms = 1000;
    expect(await cache.current(gun, TIMESTAMP)).toBeUndefined();
    expect(await cache.byHash(gun, TARGETS, file.sha256)).toBeUndefined();
  });

  test('a failed read is not remembered', async () => {
    const { storage, replica } = stage();
    const cache = replica();
    await storage.commit(gun, undefined, [fileOf(TIMESTAMP, 1)], context);
    const read = storage.latest.bind(storage);
    storage.latest = async () => {
      throw new Error('down');
    };
    await expect(cache.current(gun, TIMESTAMP)).rejects.toThrow('down');

    storage.latest = read;

    expect((await cache.current(gun, TIMESTAMP))?.version).toBe(1 as Version);
  });
});

describe('ByteBoundedMap', () => {
  test('what was used longest ago leaves first, and the bound holds', () => {
    const map = new ByteBoundedMap<string>(100);
    map.set('a', 'A', 40);
    map.set('b', 'B', 40);
    map.get('a');
    map.set('c', 'C', 40);

    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual(['A', undefined, 'C']);
    expect(map.bytes).toBe(80);
  });

  test('S23 one huge value does not push everything else out', () => {
    const map = new ByteBoundedMap<string>(100);
    map.set('a', 'A', 40);
    map.set('huge', 'H', 101);

    expect([map.get('a'), map.get('huge')]).toEqual(['A', undefined]);
    map.set('a', 'A2', 10);
    map.delete('gone');
    expect(map.bytes).toBe(10);
  });
});
