// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { countSignatures, notaryV1, type RoleKeys, type Targets } from '../../src/tuf/index.ts';
import { vectorRepository } from '../support/vectors.ts';

const repository = vectorRepository('b-docker-tags');
const { signed: root } = notaryV1.decode('root', repository.file('root', 1));
const keys = root.roles.get('targets') as RoleKeys;

describe('S25 a signature is bound to its content, its key and its role', () => {
  test('it counts for the bytes that it was made over, and for no other version of them', () => {
    const [one, other] = [2, 3].map((version) => notaryV1.decode('targets', repository.file('targets', version)));
    if (one === undefined || other === undefined) throw new Error('no vectors');

    expect(countSignatures(one, root.keys, keys).signed).toEqual([...keys.keyIds]);
    expect(countSignatures({ ...other, signatures: one.signatures }, root.keys, keys).signed).toEqual([]);
  });

  test('it does not count for a role that its key was not given to', () => {
    const targets = notaryV1.decode('targets', repository.file('targets', 2));
    for (const role of ['snapshot', 'timestamp'] as const) {
      expect(countSignatures(targets, root.keys, root.roles.get(role) as RoleKeys).signed).toEqual([]);
    }
  });

  test('one changed digest of a target makes it count for nothing', () => {
    const targets = notaryV1.decode('targets', repository.file('targets', 2));
    const [tag, file] = [...(targets.signed as Targets).targets][0] ?? [];
    if (tag === undefined || file === undefined) throw new Error('no target');
    const sha256 = Uint8Array.from(file.hashes.get('sha256') ?? [], (byte, index) => (index === 0 ? byte ^ 1 : byte));
    const changed: Targets = {
      ...targets.signed,
      targets: new Map([[tag, { ...file, hashes: new Map([['sha256', sha256]]) }]]),
    };

    expect(
      countSignatures({ ...targets, signedBytes: notaryV1.encodeSigned(changed) }, root.keys, keys).signed,
    ).toEqual([]);
  });
});
