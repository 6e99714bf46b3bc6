// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { rejected } from '../../test/support/refusals.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { type Gun, type MetaFile, ROOT, type RoleName, withoutDelegation } from '../tuf/index.ts';
import type { Fetcher } from './fetcher.ts';

async function warm() {
  const repository = (await RepositorySimulator.create()).tag('v1').publish();
  const client = new TestClient(repository);
  await client.refresh();
  repository.takeRequests();
  return { repository, client };
}

function cutOff({ cache, gun }: TestClient): void {
  cache.store(gun, ROOT, (cache.load(gun, ROOT) as Uint8Array).subarray(0, 100));
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

describe('a client whose cached root was cut off, as by a docker that was killed', () => {
  test('goes on from the very root that it remembers', async () => {
    const { repository, client } = await warm();
    const [root] = client.trusted('root');
    cutOff(client);

    await client.refresh();

    expect(repository.takeRequests().filter((name) => name.includes('root'))).toEqual(['1.root.json']);
    expect(client.trusted('root')).toEqual([root]);
  });

  test('S17 S19 and trusts no other in its place, nor what it does not remember', async () => {
    const { repository, client } = await warm();
    cutOff(client);

    await rejected(client.against(await RepositorySimulator.create()).refresh(), { code: 'rollback', role: 'root' });
    await rejected(new TestClient(repository, { cache: client.cache }).refresh(), { code: 'malformed', role: 'root' });
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

describe('a first use that is given a root which is not the newest', () => {
  async function behind() {
    const repository = (await RepositorySimulator.create()).tag('v1').publish();
    const first = repository.served.get('1.root.json');
    await repository.rotate('timestamp');
    repository.publish().answer('root.json', first);
    return { repository, client: new TestClient(repository) };
  }

  test('follows the chain, and keeps the newest', async () => {
    const { repository, client } = await behind();
    const newest = repository.files.get('root' as RoleName) as Uint8Array;

    await client.refresh();

    expect(client.trusted('root')).toEqual([Buffer.from(newest).toString('latin1')]);
  });

  test('S19 keeps none of them when what follows is refused', async () => {
    const { repository, client } = await behind();
    repository.answer('snapshot.json', undefined);
    for (const [name, file] of repository.served)
      if (file === repository.files.get('snapshot' as RoleName)) repository.answer(name, new Uint8Array([0x7b]));

    await rejected(client.refresh(), { code: 'length-mismatch', role: 'snapshot' });
    expect(client.trusted('root')).toEqual([undefined]);
    expect(client.marks.load(client.gun).size).toBe(0);
  });
});

test('S19 what was accepted under a root that was replaced in the middle is not kept with the rest', async () => {
  const repository = (await RepositorySimulator.create()).delegate('targets/a').delegate('targets/b').publish();
  const client = new TestClient(repository);
  await client.refresh();
  for (const role of ['targets/a', 'targets/b']) repository.tag('v1', role, role);
  repository.publish();
  for (const [name, file] of repository.served)
    if (file === repository.files.get('targets/b' as RoleName)) repository.answer(name, new Uint8Array(file.length));
  // the publisher goes on while the client asks for the next root: another targets key, and no delegation to a
  const moving: Fetcher = {
    async fetch(gun: Gun, fileName: string, maxLength: number) {
      if (fileName === '2.root.json' && repository.root.version === 1) {
        await repository.rotate('targets');
        repository.edit('targets', (targets) => withoutDelegation(targets, 'targets/a' as RoleName)).publish();
      }
      return repository.fetch(gun, fileName, maxLength);
    },
  };

  repository.snapshotTrick = (meta) => {
    for (const role of ['targets/a', 'targets/b']) meta.set(role as RoleName, null);
  };
  await client.against(moving).refresh();

  expect(client.trusted('targets/a', 'targets/b')).toEqual([undefined, undefined]);
});

describe('a server that is silent', () => {
  test('is bridged at the very moment of the last check', async () => {
    const { repository, client } = await warm();
    repository.answer('timestamp.json', 'unreachable');

    expect((await client.refresh({ maxStalenessMilliseconds: 1 })).staleSince).toEqual(client.now);
  });

  test('is not bridged where there is nothing to bridge it with', async () => {
    const { repository, client } = await warm();
    client.cache.remove(client.gun);
    repository.answer('timestamp.json', 'unreachable');

    await rejected(client.refresh({ maxStalenessMilliseconds: 60_000 }), { code: 'unreachable' });
  });
});
