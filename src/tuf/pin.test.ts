// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { DIALECTS, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { ANY_KEY, contextOf, fileOf, toSnapshot, toTargets, toTimestamp } from '../../test/support/stages.ts';
import { hash } from './crypto.ts';
import type { Dialect } from './dialect.ts';
import type { MetaFile } from './metadata.ts';
import { ROOT, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP, type Version } from './names.ts';
import { checkPin, checkPinnedVersion } from './pin.ts';
import { TrustedRoot } from './trusted.ts';

const A = 'targets/a' as RoleName;
const FILE = new TextEncoder().encode('some metadata');
const OTHER = new TextEncoder().encode('same length!!');

describe('every pin that is present must match', () => {
  test('length alone', () => {
    checkPin(TARGETS, { length: 13 }, FILE);
    for (const length of [12, 14, 0])
      refused(() => checkPin(TARGETS, { length }, FILE), { code: 'length-mismatch', role: 'targets' });
  });

  for (const algorithm of ['sha256', 'sha512'] as const) {
    test(`${algorithm} alone`, () => {
      const pin: MetaFile = { hashes: new Map([[algorithm, hash(algorithm, FILE)]]) };

      checkPin(TARGETS, pin, FILE);
      expect(OTHER.length).toBe(FILE.length);
      refused(() => checkPin(TARGETS, pin, OTHER), { code: 'hash-mismatch', role: 'targets' });
    });
  }

  test('a right sha256 beside a wrong sha512, and the other way round', () => {
    const [right, wrong] = [FILE, OTHER];
    for (const [a, b] of [
      [right, wrong],
      [wrong, right],
    ] as const) {
      const hashes = new Map([
        ['sha256', hash('sha256', a)],
        ['sha512', hash('sha512', b)],
      ] as const);
      refused(() => checkPin(TARGETS, { hashes }, FILE), { code: 'hash-mismatch' });
    }
  });

  test('a hash of another length never matches', () => {
    const short = new Map([['sha256', hash('sha256', FILE).subarray(0, 31)]] as const);

    refused(() => checkPin(TARGETS, { hashes: short }, FILE), { code: 'hash-mismatch' });
  });

  test('version, exactly', () => {
    checkPinnedVersion(TARGETS, { version: 2 as Version }, 2 as Version);
    checkPinnedVersion(TARGETS, {}, 7 as Version);
    for (const version of [1, 3])
      refused(() => checkPinnedVersion(TARGETS, { version: 2 as Version }, version as Version), { code: 'rollback' });
  });
});

/** A repository whose current file of `role` is another one than its referrer pins. */
async function mixed(role: RoleName, dialect: Dialect) {
  const repository = (await RepositorySimulator.create({ dialect }))
    .delegate(A)
    .tag('v1', 'one', A)
    .tag('v1')
    .publish();
  const old = fileOf(repository, role);
  repository.tag('v2', 'two', A).tag('v2').publish();
  repository.put(role, old);
  return repository;
}

for (const dialect of DIALECTS) {
  describe(dialect.name, () => {
    describe('mix-and-match: a genuine file of another moment', () => {
      test('a snapshot that the timestamp does not name', async () => {
        const repository = await mixed(SNAPSHOT, dialect);

        const code = expect.stringMatching(/^(hash|length)-mismatch$/);
        refused(() => toSnapshot(repository), { code, role: 'snapshot' });
      });

      test('targets that the snapshot does not name', async () => {
        const repository = await mixed(TARGETS, dialect);

        refused(() => toTargets(repository), { code: 'length-mismatch', role: 'targets' });
      });

      test('S21 a delegation that the snapshot does not name', async () => {
        const repository = await mixed(A, dialect);

        refused(() => toTargets(repository, {}, A), { code: 'length-mismatch', role: 'targets/a' });
      });

      test('a file of one byte more or less than announced, before it is read', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const snapshot = fileOf(repository, SNAPSHOT);
        for (const file of [snapshot.subarray(1), new Uint8Array([...snapshot, 0x0a])])
          refused(() => toTimestamp(repository).updateSnapshot(file), { code: 'length-mismatch', role: 'snapshot' });
      });
    });

    describe('a snapshot must list', () => {
      test('the delegation that is to be loaded', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).delegate(A).publish();
        const targets = toTargets(repository);

        refused(() => targets.delegate(TARGETS, A, fileOf(repository, TARGETS)), {
          code: 'malformed',
          role: 'snapshot',
        });
      });
    });
  });
}

describe('a snapshot that pins its root', () => {
  test('a root that the snapshot does not name', async () => {
    const repository = await RepositorySimulator.create();
    const old = fileOf(repository, ROOT);
    await repository.rotate('targets');
    repository.publish();
    const timestamp = TrustedRoot.bootstrap(old, contextOf(), ANY_KEY).updateTimestamp(fileOf(repository, TIMESTAMP));

    const error = refused(() => timestamp.updateSnapshot(fileOf(repository, SNAPSHOT)), {
      code: 'hash-mismatch',
      role: 'root',
    });
    expect(error.message).toContain('root');
  });
});
