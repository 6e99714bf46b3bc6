// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { makeKey, makeRootKey } from '../../test/support/test-keys.ts';
import { notaryV1 } from './dialects/notary-v1/index.ts';
import {
  dockerTarget,
  expiryOf,
  firstRoot,
  firstSnapshot,
  firstTargets,
  nextSnapshot,
  nextTimestamp,
  nextVersion,
  sameTarget,
  withDelegation,
  withoutDelegation,
  withoutTarget,
  withRoleKeys,
  withTarget,
} from './edit.ts';
import { canonicalKeyId } from './keys.ts';
import type { MetaFile, Targets } from './metadata.ts';
import { ROOT, type RoleName, TARGETS } from './names.ts';

const A = 'targets/a' as RoleName;
const [root, old, key, other] = [
  await makeRootKey(GUN, NOW),
  await makeRootKey(GUN, NOW),
  makeKey(),
  makeKey('ed25519'),
];
const first = firstRoot(
  { root: [old.listed], targets: [key.listed], snapshot: [key.listed], timestamp: [other.listed] },
  NOW,
);
const top = { role: TARGETS, targets: firstTargets(NOW), paths: [''] };
const BAD_THRESHOLD = { name: 'MetadataError', code: 'bad-threshold' };
const days = (count: number) => new Date(NOW.getTime() + count * 86_400_000);

/** What is written can be read, and is in the stored form. */
function readable(targets: Targets): Targets {
  const file = notaryV1.encode({ signedBytes: notaryV1.encodeSigned(targets), signatures: [] });
  notaryV1.decodeCanonical('targets', file);
  return notaryV1.decode('targets', file).signed;
}

describe('versions and lifetimes', () => {
  test('are those of Notary, and each signing is one version on', () => {
    expect([
      expiryOf('root', NOW),
      expiryOf('targets', NOW),
      expiryOf('snapshot', NOW),
      expiryOf('timestamp', NOW),
    ]).toEqual([days(3650), days(1095), days(1095), days(14)]);
    const later = days(1);
    expect(nextVersion(first, later)).toMatchObject({ version: 2, expires: days(3651) });
    expect(first.version as number).toBe(1);
  });
});

describe('S9 S16 thresholds that lock out or admit everybody are not written', () => {
  for (const threshold of [0, -1, 1.5, Number.NaN, 3])
    test(`${threshold} of two keys`, () => {
      refused(() => withRoleKeys(first, 'targets', [key.listed, other.listed], threshold), BAD_THRESHOLD);
      refused(() => withDelegation(top, A, { addKeys: [key.listed, other.listed], threshold }), BAD_THRESHOLD);
    });

  test('a role without keys', () => {
    refused(() => withRoleKeys(first, 'targets', []), BAD_THRESHOLD);
    refused(
      () => firstRoot({ root: [], targets: [key.listed], snapshot: [key.listed], timestamp: [key.listed] }, NOW),
      BAD_THRESHOLD,
    );
  });

  test('S15 two certificates around one key cannot be two of two', async () => {
    const { PrivateKey, rootCertificate } = await import('../signing/index.ts');
    const one = PrivateKey.generate();
    const twins = [await rootCertificate(one, GUN, NOW), await rootCertificate(one, GUN, NOW)];

    refused(() => withRoleKeys(first, 'root', twins, 2), BAD_THRESHOLD);
  });

  test('a delegation whose keys fall below its threshold, and a threshold of zero without keys', () => {
    const both = withDelegation(top, A, { addKeys: [key.listed, other.listed], threshold: 2 });

    refused(() => withDelegation({ ...top, targets: both }, A, { removeKeys: [key.id] }), BAD_THRESHOLD);
    refused(() => withDelegation(top, A, { threshold: 0 }), BAD_THRESHOLD);
  });
});

describe('keys of a root', () => {
  test('that no role has any more go; old root certificates stay', () => {
    const rotated = withRoleKeys(withRoleKeys(first, 'root', [root.listed]), 'timestamp', [key.listed]);

    expect([...rotated.keys.keys()].sort()).toEqual([root.id, old.id, key.id].sort());
    expect(rotated.roles.get('root')).toEqual({ keyIds: [root.id], threshold: 1 });
  });

  test('that another role still has stay', () => {
    expect(withRoleKeys(first, 'targets', [other.listed]).keys.has(key.id)).toBe(true);
  });
});

describe('targets', () => {
  test('are added, replaced and removed, and the base is untouched', () => {
    const one = withTarget(firstTargets(NOW), 'v1', dockerTarget(new Uint8Array(32), 7));
    const two = withTarget(one, 'v1', dockerTarget(new Uint8Array(32).fill(1), 8));

    expect(readable(two).targets.get('v1')).toMatchObject({ length: 8 });
    expect(one.targets.get('v1')).toMatchObject({ length: 7 });
    expect(withoutTarget(two, 'v1').targets.size).toBe(0);
    expect(withoutTarget(two, 'v2').targets.size).toBe(1);
  });

  test('have names that a file and a terminal can hold', () => {
    for (const name of ['', 'a\nb', 'a\0', '\x7f', '\x9b', '\ud800'])
      refused(() => withTarget(firstTargets(NOW), name, dockerTarget(new Uint8Array(32), 1)), { code: 'malformed' });
    withTarget(firstTargets(NOW), '__proto__', dockerTarget(new Uint8Array(32), 1));
  });

  test('are the same only with the same length and every hash', () => {
    const target = dockerTarget(new Uint8Array(32), 7);

    expect(sameTarget(target, { ...target })).toBe(true);
    expect(sameTarget(target, undefined)).toBe(false);
    expect(sameTarget(target, { ...target, length: 8 })).toBe(false);
    expect(sameTarget(target, dockerTarget(new Uint8Array(32).fill(1), 7))).toBe(false);
    expect(sameTarget(target, { ...target, hashes: new Map([['sha512', new Uint8Array(32)]]) })).toBe(false);
    expect(sameTarget(target, { ...target, hashes: new Map([...target.hashes, ['sha512', new Uint8Array(64)]]) })).toBe(
      false,
    );
  });
});

describe('delegations', () => {
  test('are made, extended and reduced; keys that none names are dropped', () => {
    const made = withDelegation(top, A, { addKeys: [key.listed], addPaths: ['v'] });
    const extended = withDelegation({ ...top, targets: made }, A, {
      addKeys: [other.listed, key.listed],
      addPaths: ['v', 'w'],
    });
    const reduced = withDelegation({ ...top, targets: extended }, A, { removeKeys: [key.id], removePaths: ['v'] });

    expect(readable(made).delegations.roles).toEqual([{ name: A, keyIds: [key.id], paths: ['v'], threshold: 1 }]);
    expect(readable(extended).delegations.roles).toEqual([
      { name: A, keyIds: [key.id, other.id], paths: ['v', 'w'], threshold: 1 },
    ]);
    expect(readable(reduced).delegations).toEqual({
      keys: new Map([[other.id, other.listed]]),
      roles: [{ name: A, keyIds: [other.id], paths: ['w'], threshold: 1 }],
    });
  });

  test('a certificate is removed by the ID of its bare key', () => {
    const made = withDelegation(top, A, { addKeys: [root.listed, key.listed] });
    const reduced = withDelegation({ ...top, targets: made }, A, { removeKeys: [canonicalKeyId(root.listed)] });

    expect(reduced.delegations.roles[0]?.keyIds).toEqual([key.id]);
  });

  test('may be left without keys, and the role stays', () => {
    const made = withDelegation(top, A, { addKeys: [key.listed] });
    const bare = withDelegation({ ...top, targets: made }, A, { removeKeys: [key.id, other.id] });

    expect(readable(bare).delegations).toEqual({
      keys: new Map(),
      roles: [{ name: A, keyIds: [], paths: [], threshold: 1 }],
    });
  });

  test('are removed with the keys that only they had', () => {
    const b = 'targets/b' as RoleName;
    const made = withDelegation(
      { ...top, targets: withDelegation(top, A, { addKeys: [key.listed, other.listed] }) },
      b,
      { addKeys: [other.listed] },
    );
    const left = withoutDelegation(made, A);

    expect(left.delegations.roles.map(({ name }) => name)).toEqual([b]);
    expect([...left.delegations.keys.keys()]).toEqual([other.id]);
    expect(withoutDelegation(left, A)).toEqual(left);
  });

  test('S13 are direct children with a valid name', () => {
    for (const name of ['targets', 'root', 'targets/a/b', 'other/a'])
      refused(() => withDelegation(top, name as RoleName, {}), {
        name: 'MetadataError',
        code: name === 'other/a' ? 'malformed' : 'unknown-role',
      });
    for (const name of ['targets/..', 'targets/A', 'targets/'])
      refused(() => withDelegation(top, name as RoleName, {}), { name: 'MetadataError', code: 'malformed' });
  });

  test('get no paths that their parent lacks', () => {
    const narrow = { ...top, role: A, paths: ['v1'] };
    const child = 'targets/a/b' as RoleName;

    withDelegation(narrow, child, { addPaths: ['v1', 'v1.2'] });
    for (const path of ['', 'v', 'v2', 'V1'])
      refused(() => withDelegation(narrow, child, { addPaths: [path] }), {
        name: 'MetadataError',
        code: 'outside-paths',
      });
  });
});

describe('snapshots and timestamps', () => {
  const pin: MetaFile = { length: 1, hashes: new Map([['sha256', new Uint8Array(32)]]) };

  test('a first snapshot lists root and targets', () => {
    refused(() => firstSnapshot(new Map([[ROOT, pin]]), NOW), { code: 'malformed' });
    refused(() => nextSnapshot(undefined, new Map([[TARGETS, pin]]), NOW), { code: 'malformed' });
  });

  test('the next one changes what is given, keeps the rest, and leaves out what is null', () => {
    const one = nextSnapshot(
      undefined,
      new Map([
        [ROOT, pin],
        [TARGETS, pin],
        [A, pin],
      ]),
      NOW,
    );
    const two = nextSnapshot(
      one,
      new Map<RoleName, MetaFile | null>([
        [TARGETS, { ...pin, length: 2 }],
        [A, null],
      ]),
      NOW,
    );

    expect(two.version as number).toBe(2);
    expect([...two.meta]).toEqual([
      [ROOT, pin],
      [TARGETS, { ...pin, length: 2 }],
    ]);
  });

  test('a timestamp names its snapshot', () => {
    const one = nextTimestamp(undefined, pin, NOW);

    expect(nextTimestamp(one, { ...pin, length: 9 }, days(2))).toMatchObject({
      version: 2,
      expires: days(16),
      snapshot: { length: 9 },
    });
  });
});
