// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { rejected } from '../../test/support/refusals.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import type { Gun, MetaFile, RoleName } from '../tuf/index.ts';
import type { Fetcher } from './fetcher.ts';

async function warm() {
  const repository = (await RepositorySimulator.create()).tag('v1').publish();
  const client = new TestClient(repository);
  await client.refresh();
  repository.takeRequests();
  return { repository, client };
}

describe('a refresh that fails', () => {
  test('for want of an answer asks for no root: nothing was refused', async () => {
    const { repository, client } = await warm();
    repository.answer('timestamp.json', 'unreachable');

    await rejected(client.refresh(), { code: 'unreachable' });
    expect(repository.takeRequests()).toEqual(['timestamp.json']);
  });

  test('under a root that is the newest asks for the next one, and then for nothing again', async () => {
    const { repository, client } = await warm();
    repository.answer('timestamp.json', new Uint8Array([0x7b]));

    await rejected(client.refresh(), { code: 'malformed', role: 'timestamp' });
    expect(repository.takeRequests()).toEqual(['timestamp.json', '2.root.json']);
  });

  test('S36 and whose server then falls silent is refused, not unavailable', async () => {
    const { repository, client } = await warm();
    repository.answer('timestamp.json', new Uint8Array([0x7b])).answer('2.root.json', 'unreachable');

    await rejected(client.refresh(), { name: 'VerificationError', code: 'malformed', role: 'timestamp' });
  });
});

describe('a client whose cache was deleted', () => {
  test('asks for the very root that it trusted, keeps it again, and for no other', async () => {
    const { repository, client } = await warm();
    const [root] = client.trusted('root');
    client.cache.remove(client.gun);

    await client.refresh();

    expect(repository.takeRequests().filter((name) => name.includes('root'))).toEqual(['1.root.json']);
    expect(client.trusted('root')).toEqual([root]);
  });

  test('tells a repository that is gone from one whose root is another', async () => {
    const { repository, client } = await warm();
    client.cache.remove(client.gun);

    repository.answer('1.root.json', undefined);
    await rejected(client.refresh(), { code: 'rollback', role: 'root' });
    repository.answer('root.json', undefined);
    await rejected(client.refresh(), { code: 'unsigned', role: 'root' });
  });
});

test('S23 whatever length is announced, no more than 64 MiB is asked for', async () => {
  const repository = (await RepositorySimulator.create()).tag('v1');
  repository.snapshotTrick = (meta) => {
    const pin = meta.get('targets' as RoleName) as MetaFile;
    meta.set('targets' as RoleName, { ...pin, length: 2 ** 40 });
  };
  repository.publish();
  const asked = new Map<string, number>();
  const counting: Fetcher = {
    fetch(gun: Gun, fileName: string, maxLength: number) {
      asked.set(fileName.replace(/\.[0-9a-f]{64}/, ''), maxLength);
      return repository.fetch(gun, fileName, maxLength);
    },
  };

  await rejected(new TestClient(counting).refresh(), { code: 'length-mismatch', role: 'targets' });
  expect(asked.get('targets.json')).toBe(64 * 1024 * 1024);
});
