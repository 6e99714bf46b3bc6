// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { NOW } from '../../test/support/repository-simulator.ts';
import { firstTargets } from './edit.ts';
import type { Delegation, TargetFile, Targets, Verified } from './metadata.ts';
import { type RoleName, TARGETS } from './names.ts';
import { MAX_VISITS, searchTarget, type Visited } from './target-search.ts';

/** From which role to which, for which patterns, and whether the search ends there. */
type Edge = readonly [from: string, to: string, options?: { patterns?: readonly string[]; terminating?: boolean }];

const FILE: TargetFile = { length: 1, hashes: new Map() };

/** Walks a graph without signatures as a client would: which roles it visits, and who has the path. */
function walk(edges: readonly Edge[], path: string, signed: Readonly<Record<string, readonly string[]>> = {}) {
  const contentOf = (role: string): Targets => ({
    ...firstTargets(NOW),
    targets: new Map((signed[role] ?? []).map((target) => [target, FILE])),
    delegations: {
      keys: new Map(),
      roles: edges
        .filter(([from]) => from === role)
        .map(
          ([, to, { patterns = ['*'], terminating = false } = {}]): Delegation => ({
            name: to as RoleName,
            keyIds: [],
            threshold: 1,
            paths: [],
            patterns,
            terminating,
          }),
        ),
    },
  });
  const visited = (role: RoleName): Visited => ({ role, signed: contentOf(role) as Verified<Targets> });
  const order: string[] = [];
  const search = searchTarget(visited(TARGETS), path);
  let step = search.next();
  while (step.done !== true) {
    order.push(step.value.role);
    step = search.next(visited(step.value.role));
  }
  return { order, found: step.value?.role as string | undefined };
}

const PY = { patterns: ['*.py'] };
const END = { terminating: true };
const GRAPHS: readonly (readonly [string, readonly Edge[], readonly string[]])[] = [
  ['one role', [['targets', 'A']], ['A']],
  [
    'two beside each other',
    [
      ['targets', 'A'],
      ['targets', 'B'],
    ],
    ['A', 'B'],
  ],
  [
    'two levels',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
    ],
    ['A', 'B', 'C'],
  ],
  [
    'depth first',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C'],
      ['A', 'D'],
    ],
    ['A', 'C', 'D', 'B'],
  ],
  [
    'depth first, three levels',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C'],
      ['C', 'D'],
    ],
    ['A', 'C', 'D', 'B'],
  ],
  [
    'terminating: neither what follows nor what waits',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', END],
      ['A', 'D'],
    ],
    ['A', 'C'],
  ],
  [
    'terminating: what is below still counts',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', END],
      ['C', 'D'],
    ],
    ['A', 'C', 'D'],
  ],
  [
    'terminating, but for other paths',
    [
      ['targets', 'A', { ...PY, ...END }],
      ['targets', 'B'],
    ],
    ['B'],
  ],
  [
    'a branch for other paths',
    [
      ['targets', 'A', PY],
      ['targets', 'B'],
      ['A', 'C'],
    ],
    ['B'],
  ],
  [
    'a branch for other paths, further down',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['A', 'C', PY],
      ['C', 'D'],
    ],
    ['A', 'B'],
  ],
  [
    'a circle',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['C', 'D'],
      ['D', 'B'],
    ],
    ['A', 'B', 'C', 'D'],
  ],
  [
    'a circle of one',
    [
      ['targets', 'A'],
      ['A', 'A'],
    ],
    ['A'],
  ],
  [
    'two ways to one role: the first',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['A', 'C'],
    ],
    ['A', 'C', 'B'],
  ],
  [
    'two ways to one role: the one that is for the path',
    [
      ['targets', 'A'],
      ['targets', 'B'],
      ['B', 'C'],
      ['A', 'C', PY],
    ],
    ['A', 'B', 'C'],
  ],
];

describe('S20 the order of a search, in pre-order and depth first', () => {
  for (const [what, edges, expected] of GRAPHS)
    test(what, () => expect(walk(edges, 'missing')).toEqual({ order: [...expected], found: undefined }));
});

const TREE: readonly Edge[] = [
  ['targets', 'A', { patterns: ['*.doc', '*.md', 'foo-?.tgz'] }],
  ['targets', 'B', { patterns: ['releases/*/*'] }],
  ['B', 'C', { patterns: ['releases/x/*'] }],
  ['B', 'D', { patterns: ['releases/y/*.zip'] }],
];
const SIGNED = {
  targets: ['targetfile'],
  A: ['README.md', 'releases/README.md', 'foo-1.tgz', 'foo-alpha.tgz'],
  C: ['releases/x/x_v1'],
  D: ['releases/y/y_v1.zip', 'releases/z/z_v1.zip'],
};

describe('a target is found with the role that may sign it, or not at all', () => {
  for (const [path, found, order] of [
    ['targetfile', 'targets', []],
    ['README.md', 'A', ['A']],
    ['releases/x/x_v1', 'C', ['B', 'C']],
    ['releases/y/y_v1.zip', 'D', ['B', 'D']],
    ['releases/z/z_v1.zip', undefined, ['B']],
    ['releases/README.md', undefined, []],
    ['foo-1.tgz', 'A', ['A']],
    ['foo-alpha.tgz', undefined, []],
    ['README.MD', undefined, []],
  ] as const)
    test(path, () => expect(walk(TREE, path, SIGNED)).toEqual({ order: [...order], found }));

  test('the first role of the order wins, and nobody after it is asked', () => {
    const edges: readonly Edge[] = [
      ['targets', 'A'],
      ['targets', 'B'],
    ];

    expect(walk(edges, 'x', { A: ['x'], B: ['x'] })).toEqual({ order: ['A'], found: 'A' });
  });

  test('S20 S23 a chain of delegations without end is given up', () => {
    const edges = Array.from(
      { length: MAX_VISITS + 5 },
      (_, index): Edge => [index === 0 ? 'targets' : `r${index}`, `r${index + 1}`],
    );

    refused(() => walk(edges, 'x'), { code: 'malformed', role: 'targets' });
    expect(walk(edges.slice(0, MAX_VISITS - 1), 'x').order.length).toBe(MAX_VISITS - 1);
  });
});
