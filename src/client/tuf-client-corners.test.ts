// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { rejected } from '../../test/support/refusals.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { TufUser } from '../../test/support/users.ts';
import { ROOT, type RoleName, TARGETS, tufV1 } from '../tuf/index.ts';

test('the root that is trusted already may be given again', async () => {
  const repository = await RepositorySimulator.create({ dialect: tufV1 });
  const user = new TufUser(repository);
  const root = user.files.load(ROOT) as Uint8Array;

  user.client().initialize(root);

  expect(user.files.load(ROOT)).toEqual(root);
});

test('S22 a snapshot that does not list targets is refused as what it is', async () => {
  const repository = await RepositorySimulator.create({ dialect: tufV1 });
  repository.snapshotTrick = (meta) => void meta.set(TARGETS as RoleName, null);
  repository.tag('v1').publish();

  await rejected(new TufUser(repository).refresh(), { code: 'malformed', role: 'snapshot' });
});
