// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { RELEASES, resolveTag } from './index.ts';

test('S17 a snapshot that hides targets/releases does not bring back what targets signed', async () => {
  const repository = (await RepositorySimulator.create())
    .tag('v1', 'old')
    .delegate(RELEASES)
    .tag('v1', 'new', RELEASES)
    .publish();
  const client = new TestClient(repository);
  expect(resolveTag(await client.refresh(), 'v1').role).toBe(RELEASES);

  repository.snapshotTrick = (meta) => meta.set(RELEASES, null);
  repository.tag('v2').publish();
  const hidden = await client.refresh();

  expect(hidden.refused.get(RELEASES)).toMatchObject({ error: { code: 'rollback' } });
  for (const tag of ['v1', 'v2'])
    expect(() => resolveTag(hidden, tag)).toThrow(expect.objectContaining({ code: 'rollback', role: RELEASES }));
});
