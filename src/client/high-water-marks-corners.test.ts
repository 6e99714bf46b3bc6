// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { type KeyId, type Marks, parseGun, type RoleName, type Version } from '../tuf/index.ts';
import { DirectoryHighWaterMarks, MemoryHighWaterMarks } from './high-water-marks.ts';
import { MemoryMetadataCache } from './metadata-cache.ts';

const scratch = scratchDirectories();
const OTHER = parseGun('registry.example.com/other');

function marks(versions: Readonly<Record<string, number>>): Marks {
  const mark = (version: number) => ({
    version: version as Version,
    keyIds: ['1'.repeat(64) as KeyId],
    sha256: String(version).padStart(64, '0'),
  });
  return new Map(Object.entries(versions).map(([role, version]) => [role as RoleName, mark(version)]));
}

for (const [name, fresh] of [
  ['on disk', () => new DirectoryHighWaterMarks(scratch())],
  ['in memory', () => new MemoryHighWaterMarks()],
] as const) {
  describe(`high-water marks ${name}`, () => {
    test('of a repository that is forgotten are gone, with the time of its last check, and no other', () => {
      const record = fresh();
      for (const gun of [GUN, OTHER]) {
        record.raise(gun, marks({ root: 1, timestamp: 3 }));
        record.touch(gun, NOW);
      }

      record.forget(GUN);

      expect([record.load(GUN).size, record.checkedAt(GUN)]).toEqual([0, undefined]);
      expect([record.load(OTHER).size, record.checkedAt(OTHER)]).toEqual([2, NOW]);
    });

    test('S17 of a role that is met under a timestamp that was known are recorded', () => {
      const record = fresh();
      record.raise(GUN, marks({ root: 1, timestamp: 3 }));
      record.raise(GUN, marks({ root: 1, timestamp: 3, 'targets/a': 5 }));

      expect(record.load(GUN).get('targets/a' as RoleName)?.version).toBe(5 as Version);
    });
  });
}

test('S8 a record whose entries have another form is damaged, and never taken for none', () => {
  const directory = scratch();
  const record = new DirectoryHighWaterMarks(directory);
  record.raise(GUN, marks({ root: 1 }));
  const folder = join(directory, 'hallmark', 'marks');
  const path = join(folder, readdirSync(folder)[0] ?? '');
  const document = JSON.parse(readFileSync(path, 'utf8'));
  const odd = [null, 5, [], {}, { ...document.roles.root, sha256: 5 }, { ...document.roles.root, keyIds: 'x' }];

  for (const root of odd) {
    writeFileSync(path, JSON.stringify({ ...document, roles: { root } }));
    refused(() => record.load(GUN), { name: 'TrustDirectoryError', code: 'damaged' });
  }
});

test('a cache in memory loses the files of the repository that is removed, and of no other', () => {
  const cache = new MemoryMetadataCache();
  for (const gun of [GUN, OTHER]) cache.store(gun, 'root' as RoleName, new Uint8Array([1]));

  cache.remove(GUN);

  expect(cache.load(GUN, 'root' as RoleName)).toBeUndefined();
  expect(cache.load(OTHER, 'root' as RoleName)).toEqual(new Uint8Array([1]));
});
