// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { TestClient } from '../../test/support/client.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { withTarget } from '../tuf/index.ts';
import { resolveTag } from './resolve.ts';

test('S25 a role that lists a tag without its SHA-256 is no signer of it', async () => {
  const repository = await RepositorySimulator.create();
  repository.delegate('targets/alice').delegate('targets/bob').tag('v1', 'one').tag('v1', 'one', 'targets/bob');
  repository.edit('targets/alice', (targets) => withTarget(targets, 'v1', { length: 3, hashes: new Map() }));

  const trusted = await new TestClient(repository.publish()).refresh();

  expect(resolveTag(trusted, 'v1').signers as readonly string[]).toEqual(['targets', 'targets/bob']);
});
