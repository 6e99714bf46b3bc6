// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { contextOf, fileOf, toTargets } from '../../test/support/stages.ts';
import { ROOT, type RoleName, TIMESTAMP } from './names.ts';
import { TrustedRoot } from './trusted.ts';

const SOON = new Date(NOW.getTime() + 60_000);
const LATER = { now: new Date(NOW.getTime() + 120_000), renewing: true };

test('S2 who renews is given no expired delegation: its own signer renews it', async () => {
  const repository = (await RepositorySimulator.create()).delegate('targets/a').tag('v1', 'one', 'targets/a');
  repository.set('targets/a', { expires: SOON }).publish();

  refused(() => toTargets(repository, LATER, 'targets/a'), { code: 'expired', role: 'targets/a' });
});

test('under a root that has expired no server could sign a newer timestamp: an old one will do for who renews', async () => {
  const repository = (await RepositorySimulator.create()).set(ROOT, { expires: SOON }).publish({ timestamp: SOON });
  const root = TrustedRoot.load(fileOf(repository, ROOT), contextOf(LATER));

  expect(root.updateTimestamp(fileOf(repository, TIMESTAMP)).role).toBe(TIMESTAMP as RoleName);
});
