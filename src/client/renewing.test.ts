// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { rejected } from '../../test/support/refusals.ts';
import { NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { notaryV1 } from '../tuf/index.ts';
import { listTags, resolveTag, Updater } from './index.ts';

const SOON = new Date(NOW.getTime() + 60_000);
const LATER = new Date(NOW.getTime() + 120_000);

/** A repository that its owner knew before the given role expired. */
async function known(role: 'root' | 'targets') {
  const repository = await RepositorySimulator.create();
  repository.tag('v1', 'one').set(role, { expires: SOON }).publish();
  const owner = new TestClient(repository);
  await owner.refresh();
  owner.now = LATER;
  return { repository, owner };
}

/** What its owner's publisher sees. */
function renewing(owner: TestClient, repository: RepositorySimulator) {
  const { gun, cache, marks, now } = owner;
  const pinning = { trustOnFirstUse: true };
  const about = { gun, dialect: notaryV1, fetcher: repository, cache, marks, pinning, now };
  return new Updater({ ...about, renewing: true }).refresh();
}

describe('a publisher who renews what has expired', () => {
  for (const role of ['root', 'targets'] as const)
    test(`is given ${role} that expired, told as refused, and resolves nothing by it; clients are given nothing`, async () => {
      const { repository, owner } = await known(role);

      const found = await renewing(owner, repository);

      expect([...found.refused].map(([name, { error }]) => [name as string, error.code])).toEqual([[role, 'expired']]);
      expect(() => resolveTag(found, 'v1')).toThrow(`${role} expired`);
      expect(() => listTags(found)).toThrow(`${role} expired`);
      await rejected(owner.refresh(), { code: 'expired', role });
    });

  test('S17 is given nothing older than was trusted before, expired or not', async () => {
    const repository = await RepositorySimulator.create();
    repository.tag('v1', 'one').set('targets', { expires: SOON }).publish();
    const old = repository.served;
    repository.tag('v1', 'two').publish();
    const owner = new TestClient(repository);
    await owner.refresh();
    owner.now = LATER;
    repository.replay(old);

    await rejected(renewing(owner, repository), { code: 'rollback' });
  });

  test('needs a timestamp in time: it says that what expired is the newest', async () => {
    const { repository, owner } = await known('targets');
    repository.publish({ timestamp: SOON });

    await rejected(renewing(owner, repository), { code: 'expired', role: 'timestamp' });
  });

  test('trusts no expired root on first use', async () => {
    const { repository } = await known('root');
    const newcomer = new TestClient(repository, { now: LATER });

    await rejected(renewing(newcomer, repository), { code: 'expired', role: 'root' });
  });
});
