// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestClient } from '../../test/support/client.ts';
import { rejected } from '../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { type Gun, type KeyId, notaryV1, parseGun, type RoleName } from '../tuf/index.ts';
import { MemoryHighWaterMarks } from './high-water-marks.ts';
import { cachedGuns, importCachedRepository } from './import-trust-directory.ts';
import { DirectoryMetadataCache, MemoryMetadataCache } from './metadata-cache.ts';
import type { TrustPinning } from './pinning.ts';

const scratch = scratchDirectories();
const RELEASES = 'targets/releases' as RoleName;
const ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as RoleName[];
const YEARS_LATER = new Date(NOW.getTime() + 20 * 365 * 86_400_000);

/** A trust directory in which a client has trusted a repository whose root was rotated, and somebody who trusts nothing yet. */
async function stage({ rotations = 1 } = {}) {
  const repository = (await RepositorySimulator.create()).delegate(RELEASES).tag('v1', 'one', RELEASES).publish();
  for (let count = 0; count < rotations; count++) await repository.rotate('root');
  repository.publish();
  const from = scratch();
  const theirs = new DirectoryMetadataCache(from);
  await new TestClient(repository, { cache: theirs }).refresh();
  const [cache, marks] = [new MemoryMetadataCache(), new MemoryHighWaterMarks()];
  const take = ({ now = NOW, pinning = { trustOnFirstUse: true } }: { now?: Date; pinning?: TrustPinning } = {}) =>
    importCachedRepository({ gun: GUN, from, cache, marks, dialect: notaryV1, now, pinning });
  return { repository, from, theirs, cache, marks, take };
}

describe('the metadata of another trust directory', () => {
  test('is trusted from then on, byte for byte, and nothing older ever again', async () => {
    for (const rotations of [0, 1, 3]) {
      const { repository, theirs, cache, marks, take } = await stage({ rotations });

      expect(await take()).toBe('imported');
      for (const role of [...ROLES, RELEASES]) expect(cache.load(GUN, role)).toEqual(theirs.load(GUN, role));
      expect(marks.load(GUN).get('root' as RoleName)?.version as number).toBe(1 + rotations);
      expect([...marks.load(GUN).keys()].sort()).toEqual([...ROLES, RELEASES].sort());

      // what was taken over needs the server for the timestamp alone
      repository.requests.length = 0;
      await new TestClient(repository, { cache, marks }).refresh();
      expect(repository.requests.filter((name) => !name.includes('root'))).toEqual(['timestamp.json']);
    }
  });

  test('may have expired: each use judges that anew', async () => {
    const { repository, cache, marks, take } = await stage();

    expect(await take({ now: new Date(NOW.getTime() + 30 * 86_400_000) })).toBe('imported');
    const user = new TestClient(repository, { cache, marks });
    user.now = YEARS_LATER;
    await rejected(user.refresh(), { code: 'expired' });
  });

  test('stays out where the repository is known, by its cache or by its marks', async () => {
    const [one, two] = [await stage(), await stage()];
    const known = new Uint8Array([1]);
    one.cache.store(GUN, 'root' as RoleName, known);
    await new TestClient(two.repository, { marks: two.marks }).refresh();

    expect(await one.take()).toBe('present');
    expect(one.cache.load(GUN, 'root' as RoleName)).toBe(known);
    expect(one.marks.load(GUN).size).toBe(0);
    expect(await two.take()).toBe('present');
    expect(two.cache.load(GUN, 'root' as RoleName)).toBeUndefined();
  });

  test('that is not whole is not taken at all', async () => {
    for (const role of ROLES) {
      const { repository, theirs, cache, marks, take } = await stage();
      theirs.remove(GUN);
      for (const other of ROLES.filter((one) => one !== role))
        theirs.store(GUN, other, repository.files.get(other) as Uint8Array);

      expect(await take()).toBe('incomplete');
      expect([cache.load(GUN, 'root' as RoleName), marks.load(GUN).size]).toEqual([undefined, 0]);
    }
  });

  test('S8 S19 that the pins do not admit, or that was altered, is refused, and nothing of it is kept', async () => {
    const [pinned, altered] = [await stage(), await stage()];
    const targets = altered.theirs.load(GUN, 'targets' as RoleName) as Uint8Array;
    altered.theirs.store(GUN, 'targets' as RoleName, targets.slice(0, -1));

    const certs = new Map([[GUN, ['12'.repeat(32) as KeyId]]]);
    await rejected(pinned.take({ pinning: { certs, trustOnFirstUse: true } }), { code: 'unmet-pin' });
    await rejected(altered.take(), { code: 'length-mismatch', role: 'targets' });
    for (const { cache, marks } of [pinned, altered])
      expect([cache.load(GUN, 'root' as RoleName), marks.load(GUN).size]).toEqual([undefined, 0]);
  });
});

describe('the repositories of a trust directory', () => {
  function directory(...places: readonly string[]): string {
    const from = scratch();
    for (const place of places) mkdirSync(join(from, 'tuf', place), { recursive: true });
    return from;
  }
  const guns = (...names: readonly string[]): readonly Gun[] => names.map((name) => parseGun(name));

  test('are those with metadata, in order, one below another too', () => {
    const from = directory(
      'b.example.com/app/metadata',
      'a.example.com/x/y/metadata',
      'a.example.com/x/metadata',
      'c/d',
    );

    expect(cachedGuns(from)).toEqual(guns('a.example.com/x', 'a.example.com/x/y', 'b.example.com/app'));
    expect(cachedGuns(scratch())).toEqual([]);
  });

  test('S12 have names: what is not named as one, and what is no directory, is passed over', () => {
    const from = directory('metadata', 'new\nline/metadata', 'good.example.com/metadata', 'file.example.com');
    writeFileSync(join(from, 'tuf', 'file.example.com', 'metadata'), '');

    expect(cachedGuns(from)).toStrictEqual(guns('good.example.com'));
  });

  test('S23 a loop of links has no end, and is not entered; nor is what lies deeper than any name', () => {
    const deep = (components: number) => Array.from({ length: components }, (_, at) => `d${at}`).join('/');
    const from = directory(`${deep(32)}/metadata`, 'good.example.com/metadata');
    symlinkSync(join(from, 'tuf'), join(from, 'tuf', 'loop'));

    expect(cachedGuns(from)).toEqual(guns(deep(32), 'good.example.com'));
    expect(cachedGuns(directory(`${deep(33)}/metadata`))).toEqual([]);
  });
});
