// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NOW } from '../../test/support/repository-simulator.ts';
import {
  allDelegations,
  allSigners,
  coversPath,
  findTarget,
  listTargets,
  permittedPaths,
  type TargetsByRole,
  walk,
} from './delegations.ts';
import { firstTargets } from './edit.ts';
import type { Targets } from './metadata.ts';
import { parentRole, type RoleName, TARGETS } from './names.ts';

const role = (name: string) => name as RoleName;
const RELEASES = role('targets/releases');
const DOCKER = [RELEASES, TARGETS];

/** Loaded roles: what each signs, and the paths that its parent gives it, in the order of the delegations. */
function tree(
  ...roles: readonly (readonly [name: string, signs: readonly string[], paths?: readonly string[]])[]
): TargetsByRole {
  const loaded = new Map<RoleName, { signed: Targets }>();
  for (const [name, signs] of roles) {
    const targets = new Map(signs.map((path) => [path, { length: name.length, hashes: new Map() }]));
    const children = roles.filter(([other]) => other !== 'targets' && parentRole(role(other)) === name);
    const delegations = children.map(([child, , paths = ['']]) => ({
      name: role(child),
      paths,
      keyIds: [],
      threshold: 1,
    }));
    loaded.set(role(name), {
      signed: { ...firstTargets(NOW), targets, delegations: { keys: new Map(), roles: delegations } },
    });
  }
  return loaded;
}

const visited = (...args: Parameters<typeof walk>) => [...walk(...args)].map((visit) => visit.role as string);
const foundIn = (roles: TargetsByRole, path: string, order?: readonly RoleName[]) =>
  findTarget(roles, path, order)?.role as string | undefined;

describe('S20 the order of the walk', () => {
  const roles = tree(['targets', []], ['targets/b', []], ['targets/a', []], ['targets/b/x', []], ['targets/a/y', []]);

  test('is breadth first in the order of the delegations', () => {
    expect(visited(roles)).toEqual(['targets', 'targets/b', 'targets/a', 'targets/b/x', 'targets/a/y']);
  });

  test('starts where it is told and goes below alone', () => {
    expect(visited(roles, role('targets/b'))).toEqual(['targets/b', 'targets/b/x']);
    expect(visited(roles, role('targets/b/x'))).toEqual(['targets/b/x']);
    expect(visited(roles, role('targets/none'))).toEqual([]);
  });

  test('passes over a skipped role with all below it, but not one that only leads to the start', () => {
    expect(visited(roles, TARGETS, new Set([role('targets/b')]))).toEqual(['targets', 'targets/a', 'targets/a/y']);
    expect(visited(roles, role('targets/b/x'), new Set([TARGETS, role('targets/b')]))).toEqual(['targets/b/x']);
  });

  test('passes over what is not loaded, with all below it', () => {
    const left = new Map([...roles].filter(([name]) => name !== 'targets/b'));

    expect(visited(left)).toEqual(['targets', 'targets/a', 'targets/a/y']);
  });

  test('visits a role once, whatever cycle or repetition the delegations hold', () => {
    const targets = roles.get(TARGETS)?.signed as Targets;
    const again = { name: TARGETS, paths: [''], keyIds: [], threshold: 1 };
    const looped = new Map(roles);
    looped.set(TARGETS, {
      signed: {
        ...targets,
        delegations: { keys: new Map(), roles: [again, ...targets.delegations.roles, ...targets.delegations.roles] },
      },
    });

    expect(visited(looped)).toEqual(['targets', 'targets/b', 'targets/a', 'targets/b/x', 'targets/a/y']);
    expect(allDelegations(looped).length).toBe(7);
  });
});

describe('paths restrict what a delegation may sign', () => {
  test('a prefix that is empty is every path, no prefix is none', () => {
    expect(coversPath([''], 'v1')).toBe(true);
    expect(coversPath([], 'v1')).toBe(false);
    expect(coversPath(['v1', 'x'], 'v1.2')).toBe(true);
    expect(coversPath(['v1/'], 'v1')).toBe(false);
    expect(coversPath(['V1'], 'v1')).toBe(false);
  });

  test('a child has no more than its parent', () => {
    expect(permittedPaths(['', 'a', 'ab', 'b'], ['a'])).toEqual(['a', 'ab']);
    expect(permittedPaths(['a'], ['ab'])).toEqual([]);
    expect(permittedPaths(['a'], [])).toEqual([]);
  });

  test('a target outside the paths is not found, listed or credited', () => {
    const roles = tree(['targets', []], ['targets/a', ['v1', 'dev'], ['v']]);

    expect(foundIn(roles, 'v1')).toBe('targets/a');
    expect(foundIn(roles, 'dev')).toBeUndefined();
    expect([...listTargets(roles).keys()]).toEqual(['v1']);
    expect(allSigners(roles).map(({ path }) => path)).toEqual(['v1']);
    expect(allSigners(roles, 'dev')).toEqual([]);
  });

  test('nested: what a grandparent withholds, no grandchild gets', () => {
    const roles = tree(
      ['targets', []],
      ['targets/a', [], ['v1']],
      ['targets/a/b', ['v1.1', 'v2'], ['']],
      ['targets/a/c', ['v1.1', 'v1.2'], ['v1.2']],
    );

    expect(foundIn(roles, 'v2')).toBeUndefined();
    expect(foundIn(roles, 'v1.1')).toBeUndefined();
    expect(foundIn(roles, 'v1.2')).toBe('targets/a/c');
  });

  test('S31 matching is linear: a hostile prefix of a million characters is just compared', () => {
    const hostile = `${'(a+)+$'.repeat(100_000)}`;

    expect(coversPath([hostile, 'a'.repeat(1_000_000)], 'a'.repeat(100))).toBe(false);
    expect(coversPath([hostile], `${hostile}x`)).toBe(true);
  });

  test('no role ever signs a path that one of its ancestors may not', () => {
    const paths = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 }), { maxLength: 3 });
    fc.assert(
      fc.property(
        paths,
        paths,
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 5 }),
        (outer, inner, target) => {
          if (coversPath(permittedPaths(inner, outer), target)) expect(coversPath(outer, target)).toBe(true);
        },
      ),
    );
  });
});

describe('the lookup of Docker: targets/releases before targets', () => {
  const roles = tree(
    ['targets', ['both', 'old']],
    ['targets/releases', ['both', 'new']],
    ['targets/alice', ['both', 'mine']],
    ['targets/releases/qa', ['qa']],
  );

  test('takes what targets/releases signs, then what targets signs', () => {
    expect(foundIn(roles, 'both', DOCKER)).toBe('targets/releases');
    expect(foundIn(roles, 'new', DOCKER)).toBe('targets/releases');
    expect(foundIn(roles, 'old', DOCKER)).toBe('targets');
  });

  test('goes on below each of them, and says where it was found', () => {
    expect(foundIn(roles, 'qa', DOCKER)).toBe('targets/releases/qa');
    expect(foundIn(roles, 'mine', DOCKER)).toBe('targets/alice');
    expect(foundIn(roles, 'none', DOCKER)).toBeUndefined();
  });

  test('by default is that of Notary: targets, then its delegations', () => {
    expect(foundIn(roles, 'both')).toBe('targets');
    expect(foundIn(roles, 'new')).toBe('targets/releases');
  });

  test('lists each path once, by the role that wins', () => {
    const listed = [...listTargets(roles, DOCKER)].map(([path, found]) => `${path} ${found.role}`).sort();

    expect(listed).toEqual([
      'both targets/releases',
      'mine targets/alice',
      'new targets/releases',
      'old targets',
      'qa targets/releases/qa',
    ]);
  });

  test('every signer of a path is credited', () => {
    expect(allSigners(roles, 'both').map((found) => found.role as string)).toEqual([
      'targets',
      'targets/releases',
      'targets/alice',
    ]);
  });

  test('a listed path is the one that a lookup finds', () => {
    for (const order of [DOCKER, [TARGETS]])
      for (const [path, listed] of listTargets(roles, order)) expect(findTarget(roles, path, order)).toEqual(listed);
  });
});
