// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { DIALECTS, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { resigned } from '../../test/support/signed-files.ts';
import { ANY_KEY, contextOf, fileOf, toRoot, toSnapshot, toTargets, toTimestamp } from '../../test/support/stages.ts';
import { makeKeyFor } from '../../test/support/test-keys.ts';
import { sha256Hex } from './crypto.ts';
import type { RoleKeys } from './metadata.ts';
import { type KeyId, ROOT, type RoleName, SNAPSHOT, TARGETS, TIMESTAMP, type Version } from './names.ts';
import { checkRollback, type Mark } from './rollback.ts';
import { TrustedRoot } from './trusted.ts';

const A = 'targets/a' as RoleName;
const rollback = (role: string) => ({ name: 'VerificationError', code: 'rollback', role });
const key = (digit: string) => digit.repeat(64) as KeyId;

function keys(...digits: readonly string[]): RoleKeys {
  return { keyIds: digits.map(key), threshold: 1 };
}

describe('checkRollback', () => {
  const file = new TextEncoder().encode('file');
  const mark: Mark = { version: 5 as Version, keyIds: [key('1'), key('2')], sha256: sha256Hex(file) };
  const check = (version: number, role: RoleName, roleKeys: RoleKeys, bytes = file) =>
    checkRollback(role, version as Version, bytes, roleKeys, mark);

  test('takes a newer version, and the same file again', () => {
    expect(() => check(6, TARGETS, keys('1', '2'), new Uint8Array())).not.toThrow();
    expect(() => check(5, TARGETS, keys('1', '2'))).not.toThrow();
    expect(() => checkRollback(TARGETS, 1 as Version, file, keys('1'), undefined)).not.toThrow();
  });

  test('refuses an older version and says which', () => {
    const error = refused(() => check(4, TARGETS, keys('1', '2')), rollback('targets'));
    expect(error).toMatchObject({ expected: 'at least 5', actual: '4' });
  });

  test('S17 W refuses the same version with other content', () => {
    refused(() => check(5, TARGETS, keys('1', '2'), new Uint8Array([1])), rollback('targets'));
  });

  test('S3 forgets the mark when one of its keys was taken away, for both', () => {
    expect(() => check(1, TARGETS, keys('1'), new Uint8Array())).not.toThrow();
    expect(() => check(5, TARGETS, keys('2', '3'), new Uint8Array())).not.toThrow();
  });

  test('S3 keeps the mark when a key was only added', () => {
    refused(() => check(4, TARGETS, keys('1', '2', '3')), rollback('targets'));
  });

  test("keeps a root's mark whatever its keys are", () => {
    refused(() => check(4, ROOT, keys('9')), rollback('root'));
  });
});

for (const dialect of DIALECTS) {
  describe(dialect.name, () => {
    /** A repository at two states of every role, and the files of the older one. */
    async function twoStates() {
      const repository = (await RepositorySimulator.create({ dialect }))
        .delegate(A)
        .tag('v1', 'one', A)
        .tag('v1')
        .publish();
      const old = new Map(repository.files);
      repository.tag('v2', 'two', A).tag('v2').publish();
      return { repository, old };
    }

    describe('S17 an older file of a role is refused', () => {
      test('a timestamp, by the recorded mark and by the cached file', async () => {
        const { repository, old } = await twoStates();
        const file = old.get(TIMESTAMP) as Uint8Array;
        const { marks } = toTargets(repository, {}, A);

        refused(() => toRoot(repository, { marks }).updateTimestamp(file), rollback('timestamp'));
        refused(() => toRoot(repository).updateTimestamp(file, fileOf(repository, TIMESTAMP)), rollback('timestamp'));
        toRoot(repository).updateTimestamp(file);
      });

      for (const role of [SNAPSHOT, TARGETS, A]) {
        test(`${role === A ? 'a delegation (S21)' : role}, by the recorded mark and by the cached file`, async () => {
          const { repository, old } = await twoStates();
          const alone = new Map([...toTargets(repository, {}, A).marks].filter(([name]) => name === role));
          const current = fileOf(repository, role);
          const file = old.get(role) as Uint8Array;
          repository.substitute(role, file);

          refused(() => toTargets(repository, { marks: alone }, A), rollback(role));
          refused(() => {
            if (role === SNAPSHOT) toTimestamp(repository).updateSnapshot(file, current);
            if (role === TARGETS) toSnapshot(repository).updateTargets(file, current);
            if (role === A) toTargets(repository).delegate(TARGETS, A, file, current);
          }, rollback(role));
        });
      }

      test('a root, where a newer one was trusted before the cache was lost or put back', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const old = fileOf(repository, ROOT);
        await repository.rotate('root');
        repository.publish();
        const { marks } = toTargets(repository);
        const context = contextOf({ dialect, marks });

        refused(
          () => TrustedRoot.bootstrap(old, context, ANY_KEY).updateTimestamp(fileOf(repository, TIMESTAMP)),
          rollback('root'),
        );
        refused(() => TrustedRoot.load(old, context).assertCurrent(), rollback('root'));
        TrustedRoot.load(old, context).updateRoot(fileOf(repository, ROOT)).assertCurrent();
      });
    });

    describe('W the same version with other content is refused', () => {
      for (const role of [TIMESTAMP, SNAPSHOT, TARGETS, A]) {
        test(role, async () => {
          const repository = (await RepositorySimulator.create({ dialect }))
            .delegate(A)
            .tag('v1', 'one', A)
            .tag('v1')
            .publish();
          const { marks } = toTargets(repository, {}, A);
          const alone = new Map([...marks].filter(([name]) => name === role));
          const other = resigned(
            fileOf(repository, role),
            (body) => body.set('expires', '2027-01-01T00:00:00Z'),
            repository.keys.get(role) ?? [],
          );
          repository.substitute(role, other);

          refused(() => toTargets(repository, { marks: alone }, A), rollback(role));
          toTargets(repository, {}, A);
        });
      }

      test('root', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const { marks } = toTargets(repository);
        const other = resigned(
          fileOf(repository, ROOT),
          (body) => body.set('expires', '2030-01-01T00:00:00Z'),
          repository.keys.get(ROOT) ?? [],
        );

        refused(
          () => TrustedRoot.bootstrap(other, contextOf({ dialect, marks }), ANY_KEY).assertCurrent(),
          rollback('root'),
        );
      });
    });

    describe('S3 recovery from a version that nobody can exceed', () => {
      test('of the timestamp: its key is taken away, and version 3 is trusted again', async () => {
        const repository = (await RepositorySimulator.create({ dialect }))
          .continueFrom({ timestamp: 2 ** 40 })
          .publish();
        const { marks } = toTargets(repository);
        await repository.rotate('timestamp');
        repository.continueFrom({ timestamp: 2 }).publish();

        expect(toTimestamp(repository, { marks }).signed.version as number).toBe(3);
      });

      test('of a delegation: its key is replaced in the parent', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).delegate(A).tag('v1', 'one', A);
        repository.set(A, { version: 2 ** 40 }).publish();
        const { marks } = toTargets(repository, {}, A);
        const fresh = makeKeyFor(dialect);
        repository
          .redelegate(A, (role) => ({ ...role, keyIds: [] }))
          .delegate(A, { keys: [fresh] })
          .set(A, { version: 1 })
          .publish();

        expect(toTargets(repository, { marks }, A).roles.get(A)?.signed.version as number).toBe(1);
      });

      test('is none where the key stays: the old version remains refused', async () => {
        const repository = (await RepositorySimulator.create({ dialect }))
          .continueFrom({ timestamp: 2 ** 40 })
          .publish();
        const { marks } = toTargets(repository);
        await repository.rotate('timestamp', [...(repository.keys.get(TIMESTAMP) ?? []), makeKeyFor(dialect)]);
        repository.continueFrom({ timestamp: 2 }).publish();

        refused(() => toTimestamp(repository, { marks }), rollback('timestamp'));
      });

      test('a cached file of a key that was taken away is no baseline', async () => {
        const repository = (await RepositorySimulator.create({ dialect }))
          .continueFrom({ timestamp: 2 ** 40 })
          .publish();
        const cached = fileOf(repository, TIMESTAMP);
        await repository.rotate('timestamp');
        repository.continueFrom({ timestamp: 2 }).publish();

        const { signed } = toRoot(repository).updateTimestamp(fileOf(repository, TIMESTAMP), cached);
        expect(signed.version as number).toBe(3);
      });

      test('a cached file that is damaged is no baseline and no failure', async () => {
        const repository = await RepositorySimulator.create({ dialect });

        const damaged = new TextEncoder().encode('{');

        const { signed } = toRoot(repository).updateTimestamp(fileOf(repository, TIMESTAMP), damaged);
        expect(signed.version as number).toBe(1);
      });
    });

    describe('a snapshot that no longer lists a delegation', () => {
      const hide = (repository: RepositorySimulator) => {
        repository.snapshotTrick = (meta) => meta.set(A, null);
        return repository.tag('v2').publish();
      };

      test('is refused where the delegation was trusted before and keeps its keys', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).delegate(A).tag('v1', 'one', A).publish();
        const { marks } = toTargets(repository, {}, A);

        const { unlisted } = toTargets(hide(repository), { marks });
        expect([...unlisted.keys()]).toEqual([A]);
        expect(unlisted.get(A)).toMatchObject({ code: 'rollback', role: A });
      });

      test('is refused for a nested delegation alike', async () => {
        const nested = 'targets/a/b' as RoleName;
        const repository = (await RepositorySimulator.create({ dialect }))
          .delegate(A)
          .delegate(nested)
          .tag('v1', 'one', nested)
          .publish();
        const { marks } = toTargets(repository, {}, A, nested);
        repository.snapshotTrick = (meta) => meta.set(nested, null);

        expect([...toTargets(repository.tag('v2').publish(), { marks }, A).unlisted.keys()]).toEqual([nested]);
      });

      test('is taken where it never was signed, was never trusted, or was given another key', async () => {
        const repository = (await RepositorySimulator.create({ dialect })).delegate(A).tag('v1', 'one', A).publish();
        const { marks } = toTargets(repository, {}, A);
        expect(toTargets(hide(repository)).unlisted.size).toBe(0);

        repository
          .redelegate(A, (role) => ({ ...role, keyIds: [] }))
          .delegate(A, { keys: [makeKeyFor(dialect)] })
          .publish();
        expect(toTargets(repository, { marks }).unlisted.size).toBe(0);
      });
    });
  });
}
