// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { TestClient, versionsOf } from '../../test/support/client.ts';
import { refused, rejected } from '../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { type KeyId, type Mark, type Marks, parseGun, type RoleName, type Version } from '../tuf/index.ts';
import type { Fetcher } from './fetcher.ts';
import { DirectoryHighWaterMarks, type HighWaterMarks, MemoryHighWaterMarks } from './high-water-marks.ts';
import { DirectoryMetadataCache } from './metadata-cache.ts';

const scratch = scratchDirectories();
const OTHER = parseGun('registry.example.com/acme/other');
const A = 'targets/a';

function mark(version: number, key = '1'): Mark {
  return { version: version as Version, keyIds: [key.repeat(64) as KeyId], sha256: String(version).padStart(64, '0') };
}

function marks(versions: Readonly<Record<string, number>>): Marks {
  return new Map(Object.entries(versions).map(([role, version]) => [role as RoleName, mark(version)]));
}

const versions = (found: Marks) =>
  Object.fromEntries([...found].map(([role, { version }]) => [role, version as number]));

function markFile(directory: string): string {
  const folder = join(directory, 'hallmark', 'marks');
  return join(folder, readdirSync(folder)[0] ?? '');
}

/** What every record promises, on disk and in memory. */
function describeMarks(name: string, fresh: () => HighWaterMarks): void {
  describe(`high-water marks (${name})`, () => {
    test('start empty, and keep each collection apart', () => {
      const record = fresh();
      record.raise(GUN, marks({ root: 1, timestamp: 3 }));

      expect(versions(record.load(GUN))).toEqual({ root: 1, timestamp: 3 });
      expect(record.load(OTHER).size).toBe(0);
    });

    test('are raised role by role: what an update did not trust keeps its mark', () => {
      const record = fresh();
      record.raise(GUN, marks({ root: 1, timestamp: 3, [A]: 7 }));
      record.raise(GUN, marks({ root: 1, timestamp: 4, targets: 2 }));

      expect(versions(record.load(GUN))).toEqual({ root: 1, timestamp: 4, targets: 2, [A]: 7 });
    });

    test('an update that saw an older repository than another since did adds nothing', () => {
      const record = fresh();
      record.raise(GUN, marks({ root: 2, timestamp: 9, [A]: 7 }));
      record.raise(GUN, marks({ root: 2, timestamp: 8, [A]: 6 }));
      record.raise(GUN, marks({ root: 1, timestamp: 50, [A]: 60 }));

      expect(versions(record.load(GUN))).toEqual({ root: 2, timestamp: 9, [A]: 7 });
    });

    test('S3 a newer root may start versions anew', () => {
      const record = fresh();
      record.raise(GUN, marks({ root: 1, timestamp: 2 ** 50 }));
      record.raise(GUN, marks({ root: 2, timestamp: 1 }));

      expect(versions(record.load(GUN))).toEqual({ root: 2, timestamp: 1 });
    });

    test('say when the server was last asked', () => {
      const record = fresh();
      expect(record.checkedAt(GUN)).toBeUndefined();
      record.raise(GUN, marks({ root: 1, timestamp: 1 }));
      record.touch(GUN, NOW);

      expect(record.checkedAt(GUN)).toEqual(NOW);
    });
  });
}

describeMarks('on disk', () => new DirectoryHighWaterMarks(scratch()));
describeMarks('in memory', () => new MemoryHighWaterMarks());

describe('the record on disk', () => {
  test('keeps versions, keys and hashes for the next process', () => {
    const directory = scratch();
    const all = marks({ root: 1, timestamp: 2 ** 53 - 1, 'targets/a/b': 3 });
    new DirectoryHighWaterMarks(directory).raise(GUN, all);

    expect(new DirectoryHighWaterMarks(directory).load(GUN)).toEqual(all);
  });

  test('S12 names its file by hash, whatever the GUN is called', () => {
    const directory = scratch();
    for (const gun of ['...', '%2e%2e/x', `${GUN}/metadata`])
      new DirectoryHighWaterMarks(directory).raise(parseGun(gun), marks({ root: 1 }));

    const names = readdirSync(join(directory, 'hallmark', 'marks'));
    expect(names).toHaveLength(3);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
  });

  test('is written only when it changes', () => {
    const directory = scratch();
    const record = new DirectoryHighWaterMarks(directory);
    record.raise(GUN, marks({ root: 1, timestamp: 1 }));
    utimesSync(markFile(directory), NOW, NOW);
    record.raise(GUN, marks({ timestamp: 1, root: 1 }));

    expect(record.checkedAt(GUN)).toEqual(NOW);
  });

  for (const [what, text] of [
    ['empty', ''],
    ['cut off', '{"gun":"x","roles":{"root":{"version":1,'],
    ['of another shape', '{"roles":[]}'],
    ['without roles', '{}'],
    ['with an unknown role', '{"roles":{"../x":{"version":1,"keyIds":[],"sha256":""}}}'],
    ['with a version of zero', '{"roles":{"root":{"version":0,"keyIds":[],"sha256":""}}}'],
    ['with half a mark', '{"roles":{"root":{"version":1}}}'],
    ['with a mark that is null', '{"roles":{"root":null}}'],
    ['with a key that is none', '{"roles":{"root":{"version":1,"keyIds":["x"],"sha256":""}}}'],
    [
      'with a role twice',
      '{"roles":{"root":{"version":9,"keyIds":[],"sha256":""},"root":{"version":1,"keyIds":[],"sha256":""}}}',
    ],
  ] as const) {
    test(`that is ${what} fails closed, and says how to mend it`, async () => {
      const directory = scratch();
      const repository = await RepositorySimulator.create();
      const record = new DirectoryHighWaterMarks(directory);
      record.raise(GUN, marks({ root: 1 }));
      const file = markFile(directory);
      writeFileSync(file, text);
      const damaged = { name: 'TrustDirectoryError', code: 'damaged' };

      const error = refused(() => new TestClient(repository, { marks: record }).updater(), damaged);
      expect(error).toMatchObject({ path: file });
      refused(() => record.raise(GUN, marks({ root: 2 })), damaged);
    });
  }

  test('that is a directory fails closed', () => {
    const directory = scratch();
    const record = new DirectoryHighWaterMarks(directory);
    record.raise(GUN, marks({ root: 1 }));
    const file = markFile(directory);
    rmSync(file);
    mkdirSync(file);

    refused(() => record.load(GUN), { name: 'TrustDirectoryError', code: 'unreadable' });
  });
});

describe('two processes on one trust directory', () => {
  async function stage() {
    const directory = scratch();
    const repository = (await RepositorySimulator.create()).delegate(A).tag('v1', 'one', A).publish();
    const process = (fetcher: Fetcher = repository) =>
      new TestClient(fetcher, {
        cache: new DirectoryMetadataCache(directory),
        marks: new DirectoryHighWaterMarks(directory),
      });
    const record = new DirectoryHighWaterMarks(directory);
    /** As a process, with a cache of its own, so that the record alone is shared. */
    const apart = (fetcher: Fetcher) => new TestClient(fetcher, { marks: new DirectoryHighWaterMarks(directory) });
    await process().refresh();
    return { repository, process, apart, record };
  }

  test('the one that began earlier and ends later does not lower what the other raised', async () => {
    const { repository, process, apart, record } = await stage();
    let overtaken = false;
    const slow = apart({
      async fetch(...request: Parameters<RepositorySimulator['fetch']>) {
        const answer = await repository.fetch(...request);
        if (request[1] !== 'timestamp.json' || overtaken) return answer;
        overtaken = true;
        await process(repository.tag('v2', 'two', A).publish()).refresh();
        return answer;
      },
    });
    const seen = versionsOf(await slow.refresh());

    expect(seen).toMatchObject({ timestamp: 2 });
    expect(versions(record.load(GUN))).toMatchObject({ timestamp: 3, snapshot: 3, [A]: 2 });
    expect(versionsOf(await process().refresh())).toMatchObject({ timestamp: 3, [A]: 2 });
  });

  test('what the other trusted meanwhile is a baseline for the one that began earlier', async () => {
    const { repository, process } = await stage();
    const before = repository.served;
    const slow = process().updater();
    repository.tag('v2', 'two', A).publish();
    await process().refresh();
    repository.replay(before);

    await rejected(slow.refresh(), { code: 'rollback', role: 'timestamp' });
  });

  test('nor the marks of roles that it did not see itself', async () => {
    const { repository, process, record } = await stage();
    const slow = process().updater();
    repository.tag('v2', 'two', A).publish();
    await process().refresh();
    repository.set(A, { expires: new Date(NOW.getTime() - 1) }).publish();
    const trusted = await slow.refresh();

    expect([...trusted.refused.keys()] as string[]).toEqual([A]);
    expect(versions(record.load(GUN))).toMatchObject({ timestamp: 4, [A]: 2 });
  });

  test("nor any mark but the root's, when it follows a new root and then fails", async () => {
    const { repository, process, record } = await stage();
    const slow = process().updater();
    repository.tag('v2', 'two', A).publish();
    await process().refresh();
    await repository.rotate('timestamp');
    repository.answer('timestamp.json', undefined);

    await rejected(slow.refresh(), { code: 'unsigned' });
    expect(versions(record.load(GUN))).toMatchObject({ root: 2, timestamp: 3, [A]: 2 });
  });

  test('in any order of honest updates, no mark ever falls', () => {
    const states = fc.array(
      fc.record({ root: fc.integer({ min: 1, max: 3 }), timestamp: fc.integer({ min: 1, max: 9 }) }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(states, (seen) => {
        const record = new MemoryHighWaterMarks();
        let newest = 0;
        for (const { root, timestamp } of seen) {
          record.raise(GUN, marks({ root, timestamp, targets: timestamp }));
          const now = versions(record.load(GUN));
          const rank = (now.root ?? 0) * 100 + (now.timestamp ?? 0);
          expect(rank).toBeGreaterThanOrEqual(newest);
          newest = rank;
        }
      }),
    );
  });
});

test('S38 a check whose time cannot be recorded is no failure: cached data only count as older', () => {
  const marks = new DirectoryHighWaterMarks('/nonexistent');
  marks.touch(GUN, NOW);
  expect(marks.checkedAt(GUN)).toBeUndefined();
});
