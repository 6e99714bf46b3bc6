// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient, versionsOf } from '../../test/support/client.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { SNAPSHOT } from '../tuf/index.ts';

const RELEASES = 'targets/releases';

/** A repository with a delegation, and a client that is up to date; what was asked so far is forgotten. */
async function warm() {
  const repository = (await RepositorySimulator.create()).delegate(RELEASES).tag('v1', 'one', RELEASES).publish();
  const client = new TestClient(repository);
  await client.refresh();
  repository.takeRequests();
  return { repository, client };
}

describe('what a refresh asks for', () => {
  test('cold: root, timestamp, then what they name by hash', async () => {
    const repository = (await RepositorySimulator.create()).delegate(RELEASES).tag('v1', 'one', RELEASES).publish();
    const trusted = await new TestClient(repository).refresh();

    expect(repository.takeRequests()).toEqual([
      'root.json',
      'timestamp.json',
      'snapshot.<hash>.json',
      'targets.<hash>.json',
      'targets/releases.<hash>.json',
    ]);
    expect(versionsOf(trusted)).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2, [RELEASES]: 1 });
  });

  test('warm: the timestamp alone', async () => {
    const { repository, client } = await warm();
    await client.refresh();

    expect(repository.takeRequests()).toEqual(['timestamp.json']);
  });

  test('a new tag: the files that changed', async () => {
    const { repository, client } = await warm();
    repository.tag('v2', 'two', RELEASES).publish();
    await client.refresh();

    expect(repository.takeRequests()).toEqual([
      'timestamp.json',
      'snapshot.<hash>.json',
      'targets/releases.<hash>.json',
    ]);
  });

  test('a timestamp that was only renewed: nothing else', async () => {
    const { repository, client } = await warm();
    repository.substitute('snapshot', repository.files.get(SNAPSHOT) as Uint8Array);
    await client.refresh();

    expect(repository.takeRequests()).toEqual(['timestamp.json']);
  });

  test('a rotated key: the chain of roots until there is no next, then the rest', async () => {
    const { repository, client } = await warm();
    await repository.rotate('timestamp');
    await repository.rotate('root');
    repository.publish();
    const trusted = await client.refresh();

    expect(repository.takeRequests()).toEqual([
      'timestamp.json',
      '2.root.json',
      '3.root.json',
      '4.root.json',
      'timestamp.json',
      'snapshot.<hash>.json',
    ]);
    expect(versionsOf(trusted)).toMatchObject({ root: 3, timestamp: 3 });
  });

  test('a root that only the snapshot names: the chain as well', async () => {
    const { repository, client } = await warm();
    await repository.rotate('targets');
    repository.publish();
    const trusted = await client.refresh();

    expect(repository.takeRequests()).toEqual([
      'timestamp.json',
      'snapshot.<hash>.json',
      '2.root.json',
      '3.root.json',
      'timestamp.json',
      'snapshot.<hash>.json',
      'targets.<hash>.json',
    ]);
    expect(versionsOf(trusted)).toMatchObject({ root: 2, targets: 3 });
  });

  test('an expired root that was replaced: the chain, and trust under the new one', async () => {
    const { repository, client } = await warm();
    repository.set('root', { expires: new Date(repository.now.getTime() - 1) }).publish();
    await repository.rotate('root');
    repository.publish();

    expect(versionsOf(await client.refresh())).toMatchObject({ root: 3 });
  });

  test('a delegation that nobody signed yet: nothing for it', async () => {
    const repository = (await RepositorySimulator.create()).delegate(RELEASES).publish();
    const trusted = await new TestClient(repository).refresh();

    expect(repository.takeRequests().some((name) => name.includes('releases'))).toBe(false);
    expect(trusted.refused.size).toBe(0);
  });

  test('nested delegations level by level, each once', async () => {
    const repository = await RepositorySimulator.create();
    repository.delegate('targets/a').delegate('targets/b').delegate('targets/a/x');
    for (const role of ['targets/a', 'targets/b', 'targets/a/x']) repository.tag('v1', role, role);
    repository.publish();
    await new TestClient(repository).refresh();

    expect(repository.takeRequests().slice(4)).toEqual([
      'targets/a.<hash>.json',
      'targets/b.<hash>.json',
      'targets/a/x.<hash>.json',
    ]);
  });
});

describe('first use', () => {
  test('says which root keys it pinned; later uses pin nothing', async () => {
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository);

    expect((await client.refresh()).pinnedOnFirstUse).toEqual(
      repository.keys.get('root' as never)?.map(({ listed }) => listed) ?? [],
    );
    expect((await client.refresh()).pinnedOnFirstUse).toBeUndefined();
  });

  test('that is refused does not look for an older root', async () => {
    const repository = await RepositorySimulator.create();
    repository.takeRequests();
    repository.answer('root.json', new Uint8Array([0x7b]));
    await expect(new TestClient(repository).refresh()).rejects.toMatchObject({ code: 'malformed' });

    expect(repository.takeRequests()).toEqual(['root.json']);
  });

  test('that failed half-way pinned nothing, and the next one says so again', async () => {
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository);
    repository.answer('timestamp.json', 'unavailable');
    await expect(client.refresh()).rejects.toMatchObject({ code: 'unavailable' });
    repository.honest();

    expect(client.trusted('root')).toEqual([undefined]);
    expect((await client.refresh()).pinnedOnFirstUse).toHaveLength(1);
  });
});
