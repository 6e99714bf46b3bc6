// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { rejected } from '../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import type { DownloadCode } from './errors.ts';
import { DirectoryHighWaterMarks, MemoryHighWaterMarks } from './high-water-marks.ts';

const HOUR = 3_600_000;
const later = (hours: number) => new Date(NOW.getTime() + hours * HOUR);
const scratch = scratchDirectories();

/** A client that was up to date at NOW and may bridge six hours. */
async function bridging(marks = new MemoryHighWaterMarks() as MemoryHighWaterMarks | DirectoryHighWaterMarks) {
  const repository = (await RepositorySimulator.create()).tag('v1').publish();
  const client = new TestClient(repository, { maxStalenessMilliseconds: 6 * HOUR, marks });
  await client.refresh();
  return { repository, client };
}

describe('a server that is silent', () => {
  for (const code of ['unreachable', 'timeout', 'unavailable'] as DownloadCode[]) {
    test(`(${code}) is bridged within the time allowed, and the answer says since when`, async () => {
      const { repository, client } = await bridging();
      repository.answer('*', code);
      client.now = later(6);
      const trusted = await client.refresh();

      expect(trusted.staleSince).toEqual(NOW);
      expect(trusted.targets.roles.size).toBe(1);
    });

    test(`(${code}) is not bridged beyond it`, async () => {
      const { repository, client } = await bridging();
      repository.answer('*', code);
      client.now = new Date(later(6).getTime() + 1);

      await rejected(client.refresh(), { name: 'DownloadError', code });
    });
  }

  test('is not bridged unless the user allows it', async () => {
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository);
    await client.refresh();
    repository.answer('*', 'unreachable');
    client.now = later(0.001);

    await rejected(client.refresh(), { name: 'DownloadError', code: 'unreachable' });
  });

  test('is not bridged in the very moment of the last check either, unless the user allows it', async () => {
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository);
    await client.refresh();
    repository.answer('*', 'unreachable');

    await rejected(client.refresh(), { name: 'DownloadError', code: 'unreachable' });
  });

  test('is not bridged when the clock went back: how old the data is cannot be told', async () => {
    const { repository, client } = await bridging();
    repository.answer('*', 'unreachable');
    client.now = later(-1);

    await rejected(client.refresh(), { name: 'DownloadError', code: 'unreachable' });
  });

  test('is not bridged at first use, nor without a cache, nor without a record of the last check', async () => {
    const { repository, client } = await bridging();
    repository.answer('*', 'unreachable');
    await rejected(new TestClient(repository, { maxStalenessMilliseconds: HOUR }).refresh(), { code: 'unreachable' });
    await rejected(new TestClient(repository, { maxStalenessMilliseconds: HOUR, cache: client.cache }).refresh(), {
      code: 'unreachable',
    });
    client.cache.remove(GUN);

    await rejected(client.refresh(), { code: 'unreachable' });
  });

  test('S2 expired data does not stand in, however fresh the last check', async () => {
    const repository = await RepositorySimulator.create();
    repository.publish({ timestamp: later(1) });
    const client = new TestClient(repository, { maxStalenessMilliseconds: 100 * HOUR });
    await client.refresh();
    repository.answer('*', 'unreachable');
    client.now = later(2);

    await rejected(client.refresh(), { name: 'DownloadError', code: 'unreachable' });
  });

  test('cannot be used to extend the time: only an answer counts as a check', async () => {
    for (const marks of [new MemoryHighWaterMarks(), new DirectoryHighWaterMarks(scratch())]) {
      const { repository, client } = await bridging(marks);
      repository.answer('*', 'unreachable');
      for (const hours of [2, 4, 6]) {
        client.now = later(hours);
        expect((await client.refresh()).staleSince).toEqual(NOW);
      }
      client.now = later(7);

      await rejected(client.refresh(), { code: 'unreachable' });
    }
  });

  test('nor does a cache that another program renewed, while the server is silent', async () => {
    const marks = new DirectoryHighWaterMarks(scratch());
    const { repository, client } = await bridging(marks);
    await new TestClient(repository.tag('v2').publish(), { cache: client.cache }).refresh();
    repository.answer('*', 'unreachable');
    client.now = later(5);
    await client.refresh();
    client.now = later(7);

    expect(marks.checkedAt(GUN)).toEqual(NOW);
    await rejected(client.refresh(), { code: 'unreachable' });
  });

  test('a server that answers again starts the time anew', async () => {
    const { repository, client } = await bridging();
    client.now = later(5);
    expect((await client.refresh()).staleSince).toBeUndefined();
    repository.answer('*', 'unreachable');
    client.now = later(10);

    expect((await client.refresh()).staleSince).toEqual(later(5));
  });
});

describe('S36 gone is not offline', () => {
  test('a 404 for the timestamp is refused, with a full cache and time to spare', async () => {
    const { repository, client } = await bridging();
    repository.answer('timestamp.json', undefined);
    client.now = later(1);

    await rejected(client.refresh(), { name: 'VerificationError', code: 'unsigned', role: 'timestamp' });
  });

  test('a 404 for everything is refused', async () => {
    const { repository, client } = await bridging();
    for (const name of repository.served.keys()) repository.answer(name, undefined);

    await rejected(client.refresh(), { name: 'VerificationError', code: 'unsigned', role: 'timestamp' });
  });

  for (const code of ['unauthorized', 'rejected', 'too-large'] as DownloadCode[]) {
    test(`an answer that is ${code} is an answer`, async () => {
      const { repository, client } = await bridging();
      repository.answer('*', code);

      await rejected(client.refresh(), { name: 'DownloadError', code });
    });
  }

  test('a repository that nobody ever signed is unsigned', async () => {
    const repository = await RepositorySimulator.create();
    repository.answer('root.json', undefined);

    await rejected(new TestClient(repository).refresh(), { name: 'VerificationError', code: 'unsigned', role: 'root' });
  });

  test('only the timestamp is bridged: a snapshot that cannot be had ends the update', async () => {
    const { repository, client } = await bridging();
    repository.tag('v2').publish();
    const snapshot = repository.files.get('snapshot' as never);
    for (const [name, file] of repository.served) if (file === snapshot) repository.answer(name, 'unreachable');

    await rejected(client.refresh(), { code: 'unreachable' });
  });
});
