// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { DIALECTS, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { resigned } from '../../test/support/signed-files.ts';
import { fileOf, toTargets } from '../../test/support/stages.ts';
import { makeKeyFor } from '../../test/support/test-keys.ts';
import type { JsonValue } from '../encoding/index.ts';
import type { Dialect } from './dialect.ts';
import { notaryV1 } from './dialects/notary-v1/index.ts';
import { type RoleName, TARGETS } from './names.ts';

const A = 'targets/a' as RoleName;
const B = 'targets/b' as RoleName;
const NESTED = 'targets/a/qa' as RoleName;

async function delegated(dialect: Dialect = notaryV1) {
  const repository = await RepositorySimulator.create({ dialect });
  return repository.delegate(A).delegate(B).tag('v1', 'one', A).tag('v1', 'one', B).publish();
}

for (const dialect of DIALECTS) {
  describe(dialect.name, () => {
    describe('S21 a delegation is judged by the keys that its parent gives it', () => {
      test('its own key makes it trusted', async () => {
        const targets = toTargets(await delegated(dialect), {}, A, B);

        expect([...targets.roles.keys()] as string[]).toEqual(['targets', 'targets/a', 'targets/b']);
        expect(targets.marks.get(A)?.version as number).toBe(1);
      });

      test('not by the key of another delegation, nor by that of targets', async () => {
        for (const signer of [B, TARGETS]) {
          const repository = await delegated(dialect);
          repository.substitute(
            A,
            resigned(fileOf(repository, A), () => {}, repository.keys.get(signer) ?? []),
          );

          refused(() => toTargets(repository, {}, A), { code: 'threshold', role: 'targets/a' });
        }
      });

      test('with its threshold', async () => {
        const keys = [makeKeyFor(dialect), makeKeyFor(dialect)];
        const repository = (await RepositorySimulator.create({ dialect }))
          .delegate(A, { keys, threshold: 2 })
          .tag('v1', 'one', A)
          .publish();
        toTargets(repository, {}, A);
        repository.substitute(
          A,
          resigned(fileOf(repository, A), () => {}, keys.slice(1)),
        );

        refused(() => toTargets(repository, {}, A), { code: 'threshold', role: 'targets/a' });
      });

      test('S20 one that was verified through one parent cannot be asked for through another', async () => {
        const repository = await delegated(dialect);
        repository.delegate(NESTED).tag('v1', 'one', NESTED).publish();
        const targets = toTargets(repository, {}, A, B);
        const file = fileOf(repository, NESTED);

        targets.delegate(A, NESTED, file);
        expect(() => targets.delegate(B, NESTED, file)).toThrow('targets/b does not delegate to targets/a/qa');
        expect(() => targets.delegate(TARGETS, NESTED, file)).toThrow('targets does not delegate to targets/a/qa');
        expect(() => toTargets(repository).delegate(A, NESTED, file)).toThrow('targets/a does not delegate');
      });

      test('malformed content is a typed refusal', async () => {
        const repository = await delegated(dialect);
        repository.substitute(
          A,
          resigned(fileOf(repository, A), (body) => body.delete('targets'), repository.keys.get(A) ?? []),
        );

        refused(() => toTargets(repository, {}, A), { code: 'malformed', role: 'targets/a' });
      });
    });
  });
}

describe('S20 a role delegates to its direct children alone', () => {
  const withNames =
    (...names: readonly string[]) =>
    (body: Map<string, JsonValue>) => {
      const delegations = body.get('delegations') as Map<string, JsonValue>;
      const [template] = delegations.get('roles') as readonly Map<string, JsonValue>[];
      delegations.set(
        'roles',
        names.map((name) => new Map([...(template ?? []), ['name', name]])),
      );
    };

  for (const [what, names] of [
    ['a grandchild', ['targets/a/qa']],
    ['itself', ['targets']],
    ['a top-level role', ['root']],
    ['a child twice', ['targets/a', 'targets/a']],
  ] as const) {
    test(`${what} makes the parent malformed`, async () => {
      const repository = await delegated();
      const keys = repository.keys.get(TARGETS) ?? [];
      repository.substitute(TARGETS, resigned(fileOf(repository, TARGETS), withNames(...names), keys));

      refused(() => toTargets(repository), { code: 'malformed', role: 'targets' });
    });
  }

  test('a child of another branch makes the delegation malformed, so there is no cycle', async () => {
    for (const name of ['targets/b/x', 'targets/a', 'targets/b']) {
      const repository = await delegated();
      repository.delegate(NESTED).publish();
      repository.substitute(A, resigned(fileOf(repository, A), withNames(name), repository.keys.get(A) ?? []));

      refused(() => toTargets(repository, {}, A), { code: 'malformed', role: 'targets/a' });
    }
  });
});
