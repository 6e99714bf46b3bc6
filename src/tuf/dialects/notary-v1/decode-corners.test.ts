// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { refused } from '../../../../test/support/refusals.ts';
import { RepositorySimulator } from '../../../../test/support/repository-simulator.ts';
import { resigned } from '../../../../test/support/signed-files.ts';
import { fileOf } from '../../../../test/support/stages.ts';
import type { JsonValue } from '../../../encoding/index.ts';
import type { RoleName } from '../../names.ts';
import { notaryV1 } from './index.ts';

type Tree = Map<string, JsonValue>;
const MALFORMED = { name: 'MetadataError', code: 'malformed' };
const repository = (await RepositorySimulator.create()).delegate('targets/a').tag('v1').publish();
const inside = (tree: Tree, ...names: readonly string[]) => names.reduce((at, name) => at.get(name) as Tree, tree);

function changed(role: string, change: (body: Tree) => void): Uint8Array {
  return resigned(fileOf(repository, role), change, repository.keys.get(role as RoleName) ?? []);
}

test('S13 a snapshot that lists what is no role is refused', () => {
  for (const name of ['x', 'Targets', 'targets/', 'targets/../root', '../root', 'targets/a.json']) {
    const file = changed('snapshot', (body) => {
      inside(body, 'meta').set(name, inside(body, 'meta', 'targets'));
    });
    refused(() => notaryV1.decode('snapshot', file), MALFORMED);
  }
});

test('a hash of an algorithm that nobody knows pins nothing, whatever its length', () => {
  const file = changed('snapshot', (body) => {
    inside(body, 'meta', 'targets', 'hashes').set('md5', 'AAAA');
  });
  const pin = notaryV1.decode('snapshot', file).signed.meta.get('targets' as RoleName);

  expect([...(pin?.hashes?.keys() ?? [])]).toEqual(['sha256', 'sha512']);
});

test('a length of zero is a length', () => {
  const targets = changed('targets', (body) => {
    inside(body, 'targets', 'v1').set('length', 0);
  });
  const snapshot = changed('snapshot', (body) => {
    inside(body, 'meta', 'targets').set('length', 0);
  });

  expect(notaryV1.decode('targets', targets).signed.targets.get('v1')?.length).toBe(0);
  expect(notaryV1.decode('snapshot', snapshot).signed.meta.get('targets' as RoleName)?.length).toBe(0);
});

test('W an unknown field beside the public half of a key is not stored', () => {
  const file = changed('root', (body) => {
    for (const key of inside(body, 'keys').values()) inside(key as Tree, 'keyval').set('certificate', 'x');
  });

  notaryV1.decode('root', file);
  refused(() => notaryV1.decodeCanonical('root', file), MALFORMED);
});

test('custom data that is null is not written', () => {
  const { signed } = notaryV1.decode('targets', fileOf(repository, 'targets'));
  const target = signed.targets.get('v1');
  const custom = (value: JsonValue) =>
    new TextDecoder().decode(
      notaryV1.encodeSigned({
        ...signed,
        targets: new Map([['v1', { length: 1, hashes: new Map(), ...target, custom: value }]]),
      }),
    );

  expect(custom(null)).not.toContain('custom');
  expect(custom(false)).toContain('"custom":false');
});
