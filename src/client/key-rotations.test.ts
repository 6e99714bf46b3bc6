// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { DIALECTS, GUN, makeRootKeyFor, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { makeKeyFor, type TestKey } from '../../test/support/test-keys.ts';
import { userOf } from '../../test/support/users.ts';
import { nextVersion, type RoleName, withRoleKeys } from '../tuf/index.ts';

/** One version of a role's metadata: which keys it is given, how many of them must sign, and which did. */
interface Step {
  readonly keys: readonly number[];
  readonly threshold: number;
  readonly signers: readonly number[];
}

const step = (keys: readonly number[], threshold: number, signers: readonly number[]): Step => ({
  keys,
  threshold,
  signers,
});
const FIVE = [0, 1, 2, 3, 4];
const ONE_NEW = [0, 1, 3, 4, 5];

/** Roots one after the other; all but the last are good. */
const ROOTS: readonly (readonly [string, 'taken' | 'refused', readonly Step[]])[] = [
  ['1 of 1, replaced', 'taken', [step([1], 1, [1]), step([2], 1, [2, 1]), step([2], 1, [2])]],
  [
    'with signatures nobody asked for',
    'taken',
    [step([1], 1, [3, 1, 4]), step([2], 1, [3, 2, 1, 4]), step([2], 1, [3, 2, 4])],
  ],
  [
    '3 of 5, signed by others each time',
    'taken',
    [step(FIVE, 3, [0, 2, 4]), step(FIVE, 3, [0, 4, 1]), step(FIVE, 3, [0, 1, 3])],
  ],
  ['3 of 5, one key replaced', 'taken', [step(FIVE, 3, [0, 2, 4]), step(ONE_NEW, 3, [0, 4, 1])]],
  [
    '3 of 5, one key replaced, signed by it later',
    'taken',
    [step(FIVE, 3, [0, 2, 4]), step(ONE_NEW, 3, [0, 2, 4, 5]), step(ONE_NEW, 3, [0, 4, 5])],
  ],
  [
    '3 of 5, all replaced',
    'taken',
    [step(FIVE, 3, [0, 2, 4]), step([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]), step([5, 6, 7, 8, 9], 3, [5, 6, 7])],
  ],
  ['threshold from 1 to 2', 'taken', [step([1, 2, 3], 1, [1]), step([1, 2, 3], 2, [1, 2])]],
  ['threshold from 2 to 1', 'taken', [step([1, 2, 3], 2, [1, 2]), step([1, 2, 3], 1, [1, 2]), step([1, 2, 3], 1, [1])]],
  ['a second key, and both needed', 'taken', [step([1], 1, [1]), step([1, 2], 2, [1, 2])]],
  ['not signed by the old key', 'refused', [step([1], 1, [1]), step([2], 1, [2, 3, 4])]],
  ['not signed by the new key', 'refused', [step([1], 1, [1]), step([2], 1, [1, 3, 4])]],
  ['not by 3 of the new keys', 'refused', [step(FIVE, 3, [0, 2, 4]), step(ONE_NEW, 3, [0, 2, 4])]],
  ['not by 3 of the old keys', 'refused', [step(FIVE, 3, [0, 2, 4]), step(ONE_NEW, 3, [0, 4, 5])]],
  ['the raised threshold not met', 'refused', [step([1, 2, 3], 1, [1]), step([1, 2, 3], 2, [2])]],
  ['the threshold of before not met', 'refused', [step([1, 2, 3], 2, [1, 2]), step([1, 2, 3], 1, [1])]],
];

const OTHERS: readonly (readonly [string, 'taken' | 'refused', Step])[] = [
  ['replaced', 'taken', step([2], 1, [2])],
  ['with signatures nobody asked for', 'taken', step([1], 1, [3, 1, 4])],
  ['not signed by the new key', 'refused', step([2], 1, [1, 3, 4])],
  ['3 of 5, one signature of a key that was replaced', 'refused', step(ONE_NEW, 3, [0, 2, 4])],
  ['3 of 5, two signatures', 'refused', step(ONE_NEW, 3, [0, 4])],
  ['3 of 5, the first three', 'taken', step(FIVE, 3, [0, 2, 4])],
  ['3 of 5, others', 'taken', step(FIVE, 3, [1, 2, 3])],
];

for (const dialect of DIALECTS) {
  const pick = (keys: readonly TestKey[], chosen: readonly number[]) => chosen.map((index) => keys[index] as TestKey);

  describe(`${dialect.name}: S18 a root that is followed`, async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => makeRootKeyFor(dialect, GUN, NOW)));
    const listed = (chosen: readonly number[]) => pick(keys, chosen).map((key) => key.listed);

    for (const [what, outcome, steps] of ROOTS) {
      test(`${what}: ${outcome}`, async () => {
        const [first, ...later] = steps as [Step, ...Step[]];
        const repository = await RepositorySimulator.create({ dialect });
        repository.serveRoot(
          withRoleKeys(repository.root, 'root', listed(first.keys), first.threshold),
          pick(keys, first.signers),
        );
        const user = userOf(repository.publish());
        await user.refresh();
        for (const { keys: chosen, threshold, signers } of later) {
          const next = withRoleKeys(nextVersion(repository.root, NOW), 'root', listed(chosen), threshold);
          repository.serveRoot(next, pick(keys, signers));
        }
        repository.tag('v2').publish();
        const refreshed = await user.refresh().then(
          () => 'taken',
          () => 'refused',
        );

        expect(refreshed).toBe(outcome);
        expect(user.versions('root')).toEqual({ root: outcome === 'taken' ? steps.length : steps.length - 1 });
      });
    }
  });

  describe(`${dialect.name}: keys of a role`, () => {
    const keys = Array.from({ length: 6 }, () => makeKeyFor(dialect));

    for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
      for (const [what, outcome, { keys: chosen, threshold, signers }] of OTHERS) {
        test(`${role}: ${what}: ${outcome}`, async () => {
          const repository = await RepositorySimulator.create({ dialect });
          const user = userOf(repository);
          await user.refresh();
          await repository.rotate(role, pick(keys, chosen), threshold);
          repository.keys.set(role as RoleName, pick(keys, signers));
          repository.tag('v2').publish();
          const refreshed = await user.refresh().then(
            () => 'taken',
            () => 'refused',
          );

          expect(refreshed).toBe(outcome);
          expect(user.versions(role)).toEqual({ [role]: outcome === 'taken' ? 2 : 1 });
        });
      }
    }

    test('S9 S16 a threshold that its keys can never reach is met by nobody', async () => {
      const repository = await RepositorySimulator.create({ dialect });
      const user = userOf(repository);
      await user.refresh();
      await repository.rotate('snapshot', keys.slice(0, 5), 5);
      const roles = new Map(repository.root.roles).set('snapshot', {
        keyIds: keys.slice(0, 5).map(({ id }) => id),
        threshold: 6,
      });
      repository.serveRoot({ ...repository.root, roles }, repository.keys.get('root' as RoleName) ?? []);
      repository.publish();

      await expect(user.refresh()).rejects.toMatchObject({ code: 'threshold', role: 'snapshot' });
      expect(user.versions('root', 'snapshot')).toEqual({ root: 2, snapshot: 1 });
    });
  });
}
