// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { toSnapshot, toTargets, toTimestamp } from '../../test/support/stages.ts';
import type { Dialect } from './dialect.ts';
import { notaryV1 } from './dialects/notary-v1/index.ts';
import type { MetaFile, Signed } from './metadata.ts';
import { ROOT, type RoleName, SNAPSHOT, TARGETS, type Version } from './names.ts';

const A = 'targets/a' as RoleName;
const repository = (await RepositorySimulator.create()).delegate(A).tag('v1', 'one', A).publish();

/** A format whose files are pinned by version as well: `change` says how one entry reads. */
function pinning(change: (role: RoleName, pin: MetaFile) => MetaFile | undefined): { readonly dialect: Dialect } {
  const entries = (meta: ReadonlyMap<RoleName, MetaFile>) =>
    new Map(
      [...meta].flatMap(([role, pin]) =>
        change(role, pin) === undefined ? [] : [[role, change(role, pin) as MetaFile]],
      ),
    );
  const pinned = <T extends Signed>(signed: T): T => {
    if (signed.type === 'snapshot') return { ...signed, meta: entries(signed.meta) };
    return signed.type === 'timestamp' ? { ...signed, snapshot: change(SNAPSHOT, signed.snapshot) } : signed;
  };
  const decode: Dialect['decode'] = (kind, file) => {
    const envelope = notaryV1.decode(kind, file);
    return { ...envelope, signed: pinned(envelope.signed) };
  };
  return { dialect: { ...notaryV1, decode } };
}

const versioned = (of: RoleName, version: number) =>
  pinning((role, pin) => (role === of ? { ...pin, version: version as Version } : pin));

describe('where a format pins files by version', () => {
  test('the right versions are trusted', () => {
    for (const [role, version] of [
      [ROOT, 1],
      [SNAPSHOT, 2],
      [TARGETS, 2],
      [A, 1],
    ] as const)
      expect(toTargets(repository, versioned(role, version), A).roles.size).toBe(2);
  });

  test('S17 another version is refused, of the root that the snapshot names too', () => {
    const rollback = (role: string) => ({ code: 'rollback', role });

    refused(() => toSnapshot(repository, versioned(SNAPSHOT, 3)), rollback('snapshot'));
    refused(() => toSnapshot(repository, versioned(ROOT, 2)), rollback('root'));
    refused(() => toTargets(repository, versioned(TARGETS, 1)), rollback('targets'));
    refused(() => toTargets(repository, versioned(A, 2), A), rollback(A));
  });

  test('a snapshot that names no root belongs to any', () => {
    const change = pinning((role, pin) => (role === ROOT ? undefined : pin));

    toTimestamp(repository, change);
    expect(toTargets(repository, change, A).roles.size).toBe(2);
  });
});
