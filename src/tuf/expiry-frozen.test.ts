// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { contextOf, fileOf, toTargets } from '../../test/support/stages.ts';
import { ROOT, TARGETS, TIMESTAMP } from './names.ts';
import { TrustedRoot } from './trusted.ts';

const SOON = new Date(NOW.getTime() + 60_000);
const FROZEN = { now: new Date(NOW.getTime() + 120_000), frozen: true };
const expired = (role: string) => ({ code: 'expired', role });

test('S2 S29 a frozen repository is excused an expired timestamp and snapshot, and nothing else', async () => {
  const repository = (await RepositorySimulator.create()).delegate('targets/a').tag('v1', 'one', 'targets/a');
  repository.publish({ timestamp: SOON, snapshot: SOON });
  expect(toTargets(repository, FROZEN, 'targets/a').roles.size).toBe(2);
  refused(() => toTargets(repository, { now: FROZEN.now }), expired('timestamp'));

  repository.set('targets/a', { expires: SOON }).publish({ timestamp: SOON, snapshot: SOON });
  refused(() => toTargets(repository, FROZEN, 'targets/a'), expired('targets/a'));
  repository.set(TARGETS, { expires: SOON }).publish();
  refused(() => toTargets(repository, FROZEN), expired('targets'));
  repository.set(ROOT, { expires: SOON }).publish();
  const root = TrustedRoot.load(fileOf(repository, ROOT), contextOf(FROZEN));
  refused(() => root.updateTimestamp(fileOf(repository, TIMESTAMP)), expired('root'));
});
