// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { NOW } from '../../test/support/repository-simulator.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { firstTargets, sameTarget, withDelegation } from './edit.ts';
import { type RoleName, TARGETS } from './names.ts';

test('a delegation that is changed among others leaves them as they were', () => {
  const parent = { role: TARGETS, targets: firstTargets(NOW), paths: [''] };
  const [a, b] = ['targets/a', 'targets/b'] as RoleName[] as [RoleName, RoleName];
  const [one, two] = [makeKey(), makeKey()];
  const withA = withDelegation(parent, a, { addKeys: [one.listed], addPaths: ['a/'] });
  const both = withDelegation({ ...parent, targets: withA }, b, { addKeys: [two.listed], addPaths: ['b/'] });

  const changed = withDelegation({ ...parent, targets: both }, b, { addPaths: ['c/'] });

  expect(changed.delegations.roles.map(({ name, paths }) => [name as string, paths])).toEqual([
    ['targets/a', ['a/']],
    ['targets/b', ['b/', 'c/']],
  ]);
});

test('two targets of which one hash is the same are not the same target', () => {
  const target = (sha512: number) => ({
    length: 1,
    hashes: new Map([
      ['sha256', new Uint8Array(32)],
      ['sha512', new Uint8Array(64).fill(sha512)],
    ]),
  });

  expect(sameTarget(target(1), target(1))).toBe(true);
  expect(sameTarget(target(1), target(2))).toBe(false);
});
