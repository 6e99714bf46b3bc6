// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { findTarget, listTargets, type TargetsByRole } from './delegations.ts';
import { dockerTarget, firstTargets } from './edit.ts';
import type { Targets } from './metadata.ts';
import { type RoleName, TARGETS } from './names.ts';

const RELEASES = 'targets/releases' as RoleName;
const BOB = 'targets/bob' as RoleName;

function signing(...tags: readonly string[]): Targets {
  const targets = new Map(tags.map((tag) => [tag, dockerTarget(new Uint8Array(32), tag.length)]));
  return { ...firstTargets(new Date(0)), targets };
}

test('S20 a role that has its own turn is left out of the turns of others, where it would be met first', () => {
  const roles = [RELEASES, BOB].map((name) => ({ name, keyIds: [], threshold: 1, paths: [''] }));
  const top = { ...signing(), delegations: { keys: new Map(), roles } };
  const all: TargetsByRole = new Map([
    [TARGETS, { signed: top }],
    [RELEASES, { signed: signing('v1') }],
    [BOB, { signed: signing('v1') }],
  ]);

  expect(findTarget(all, 'v1', [TARGETS, RELEASES])?.role).toBe(BOB);
  expect(listTargets(all, [TARGETS, RELEASES]).get('v1')?.role).toBe(BOB);
  expect(findTarget(all, 'v1', [TARGETS])?.role).toBe(RELEASES);
});
