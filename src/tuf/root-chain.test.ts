// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { DIALECTS, GUN, makeRootKeyFor, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { resigned, signedFile } from '../../test/support/signed-files.ts';
import { ANY_KEY, contextOf, fileOf, toRoot, toTimestamp } from '../../test/support/stages.ts';
import { makeKeyFor, makeRootKey, type TestKey } from '../../test/support/test-keys.ts';
import { nextVersion, withRoleKeys } from './edit.ts';
import { keyId } from './keys.ts';
import { ROOT, TIMESTAMP } from './names.ts';
import { TrustedRoot } from './trusted.ts';

const rootKeysOf = (repository: RepositorySimulator): readonly TestKey[] => repository.keys.get(ROOT) ?? [];

for (const dialect of DIALECTS) {
  describe(dialect.name, () => {
    describe('S18 the root chain', () => {
      test('leads from a root to the one that it and the new keys signed', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const first = toRoot(repository);
        await repository.rotate('root');
        const second = first.updateRoot(fileOf(repository, ROOT));

        expect(second.signed.version as number).toBe(2);
        expect(second.marks.get(ROOT)?.version as number).toBe(2);
        expect(first.signed.version as number).toBe(1);
      });

      test('a root that skips a version, repeats it or goes back is refused', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const first = toRoot(repository);
        const firstFile = fileOf(repository, ROOT);
        await repository.rotate('timestamp');
        const second = first.updateRoot(fileOf(repository, ROOT));
        await repository.rotate('timestamp');
        const third = fileOf(repository, ROOT);

        const error = refused(() => first.updateRoot(third), { code: 'root-chain', role: 'root' });
        expect(error).toMatchObject({ expected: '2', actual: '3' });
        refused(() => second.updateRoot(firstFile), { code: 'root-chain' });
        refused(() => second.updateRoot(second.file), { code: 'root-chain' });
        second.updateRoot(third);
      });

      test('a root that the old keys did not sign is refused', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const first = toRoot(repository);
        const stranger = await makeRootKeyFor(dialect, GUN, NOW);
        const next = withRoleKeys(nextVersion(repository.root, NOW), 'root', [stranger.listed]);

        const error = refused(() => first.updateRoot(signedFile(next, [stranger])), {
          code: 'root-chain',
          role: 'root',
        });
        expect(error.cause).toMatchObject({ code: 'threshold' });
      });

      test('a root that its own keys did not sign is refused', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const first = toRoot(repository);
        const fresh = await makeRootKeyFor(dialect, GUN, NOW);
        const next = withRoleKeys(nextVersion(repository.root, NOW), 'root', [fresh.listed]);

        refused(() => first.updateRoot(signedFile(next, rootKeysOf(repository))), { code: 'threshold', role: 'root' });
        first.updateRoot(signedFile(next, [...rootKeysOf(repository), fresh]));
      });

      test('both thresholds hold, the old and the new', async () => {
        const [a, b, c] = [
          await makeRootKeyFor(dialect, GUN, NOW),
          await makeRootKeyFor(dialect, GUN, NOW),
          await makeRootKeyFor(dialect, GUN, NOW),
        ] as const;
        const repository = await RepositorySimulator.create({ dialect, rootKeys: [a] });
        await repository.rotate('root', [a, b], 2);
        const second = TrustedRoot.bootstrap(fileOf(repository, ROOT), contextOf({ dialect }), ANY_KEY);
        const third = withRoleKeys(nextVersion(repository.root, NOW), 'root', [b.listed, c.listed], 2);

        refused(() => second.updateRoot(signedFile(third, [b, c])), { code: 'root-chain' });
        refused(() => second.updateRoot(signedFile(third, [a, b])), { code: 'threshold' });
        second.updateRoot(signedFile(third, [a, b, c]));
      });

      test('a root without signatures is refused at first use, loaded and as a successor', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const first = toRoot(repository);
        const bare = signedFile(repository.root, [], dialect);

        refused(() => TrustedRoot.bootstrap(bare, contextOf({ dialect }), ANY_KEY), {
          code: 'threshold',
          role: 'root',
        });
        refused(() => TrustedRoot.load(bare, contextOf({ dialect })), { code: 'threshold', role: 'root' });
        refused(() => first.updateRoot(signedFile(nextVersion(repository.root, NOW), [], dialect)), {
          code: 'root-chain',
        });
      });

      test('a root signed only by keys of other roles is refused', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const others = ['targets', 'snapshot', 'timestamp'].flatMap((role) => repository.keys.get(role as never) ?? []);

        refused(() => TrustedRoot.bootstrap(signedFile(repository.root, others), contextOf({ dialect }), ANY_KEY), {
          code: 'threshold',
        });
      });
    });

    describe('first use', () => {
      test('takes a root whose key the pin admits', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const id = rootKeysOf(repository)[0]?.id;
        const pin = { admits: (key: Parameters<typeof keyId>[0]) => keyId(key) === id };

        expect(
          TrustedRoot.bootstrap(fileOf(repository, ROOT), contextOf({ dialect }), pin).signed.version as number,
        ).toBe(1);
      });

      test('refuses one whose key the pin does not admit', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const error = refused(
          () => TrustedRoot.bootstrap(fileOf(repository, ROOT), contextOf({ dialect }), { admits: () => false }),
          {
            code: 'unmet-pin',
            role: 'root',
          },
        );
        expect(error).toMatchObject({ actual: rootKeysOf(repository)[0]?.id });
      });

      test('refuses a root that lists the pinned key and carries only the signature of another', async () => {
        const [pinned, other] = [await makeRootKeyFor(dialect, GUN, NOW), await makeRootKeyFor(dialect, GUN, NOW)];
        const repository = await RepositorySimulator.create({ dialect, rootKeys: [pinned, other] });
        const pin = { admits: (key: Parameters<typeof keyId>[0]) => keyId(key) === pinned.id };

        refused(() => TrustedRoot.bootstrap(signedFile(repository.root, [other]), contextOf({ dialect }), pin), {
          code: 'threshold',
        });
        TrustedRoot.bootstrap(signedFile(repository.root, [pinned]), contextOf({ dialect }), pin);
      });
    });

    describe('S25 signatures of every role are those of its own keys', () => {
      for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
        test(`${role}: the keys of the other roles do not count`, async () => {
          const repository = await RepositorySimulator.create({ dialect });
          const foreign = ['root', 'targets', 'snapshot', 'timestamp']
            .filter((other) => other !== role)
            .flatMap((other) => repository.keys.get(other as never) ?? []);
          repository.substitute(
            role,
            resigned(fileOf(repository, role), () => {}, foreign),
          );
          const run = () => {
            const timestamp = toTimestamp(repository);
            timestamp.updateSnapshot(fileOf(repository, 'snapshot')).updateTargets(fileOf(repository, 'targets'));
          };

          refused(run, { code: 'threshold', role });
        });
      }

      test('a timestamp of a key that root has replaced', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const old = fileOf(repository, TIMESTAMP);
        await repository.rotate('timestamp', [makeKeyFor(dialect)]);

        refused(() => toRoot(repository).updateTimestamp(old), { code: 'threshold', role: 'timestamp' });
      });

      test('a role with threshold 2 needs both keys', async () => {
        const repository = await RepositorySimulator.create({ dialect });
        const [a, b] = [makeKeyFor(dialect), makeKeyFor(dialect, 'ed25519')];
        await repository.rotate('timestamp', [a, b], 2);
        repository.publish();
        toTimestamp(repository);
        repository.put(
          TIMESTAMP,
          resigned(fileOf(repository, TIMESTAMP), () => {}, [a]),
        );

        refused(() => toTimestamp(repository), { code: 'threshold', role: 'timestamp' });
      });
    });
  });
}

describe('a certificate binds a root to its GUN', () => {
  test('a root for another GUN does not follow, whoever signed it', async () => {
    const repository = await RepositorySimulator.create();
    const first = toRoot(repository);
    const foreign = await makeRootKey('registry.example.com/other/app', NOW);
    const next = withRoleKeys(nextVersion(repository.root, NOW), 'root', [foreign.listed]);

    refused(() => first.updateRoot(signedFile(next, [...rootKeysOf(repository), foreign])), {
      code: 'unusable-root-key',
      role: 'root',
    });
  });
});
