// SPDX-License-Identifier: Apache-2.0
import type { Tree, TreeObject } from '../support/json-tree.ts';
import type { Random } from '../support/random.ts';
import { body, type Draft, type KeyRing, keyJson, publish, targetJson } from './forge.ts';

/** A publisher's next state after the one that clients have seen; says which. */
export async function evolve(draft: Draft, ring: KeyRing, random: Random): Promise<string> {
  const kind = random.pick([
    'nothing',
    'version of all',
    'version of all',
    'targets',
    'delegation',
    'root',
    'targets key',
  ] as const);
  if (kind === 'nothing') return 'later: nothing new';
  for (const role of ['snapshot', 'timestamp']) bump(draft, role);
  if (kind === 'version of all') for (const role of targetsRoles(draft)) bump(draft, role);
  if (kind === 'targets') addTarget(draft, 'targets');
  if (kind === 'delegation') addTarget(draft, random.pick(targetsRoles(draft)));
  if (kind === 'root') rotateRoot(draft, ring);
  if (kind === 'targets key') rotateTargets(draft, ring);
  return `later: new ${kind}`;
}

function targetsRoles(draft: Draft): readonly string[] {
  return [...draft.bodies.keys()].filter((name) => name.startsWith('targets'));
}

function bump(draft: Draft, role: string): void {
  const current = body(draft, role);
  current.set('version', Number(current.get('version')) + 1);
}

function addTarget(draft: Draft, role: string): void {
  bump(draft, role);
  (body(draft, role).get('targets') as TreeObject).set('v3', targetJson('three'));
}

/** Another root key; the old one signs as well. */
function rotateRoot(draft: Draft, ring: KeyRing): void {
  newRoot(draft);
  setKeys(draft, 'root', [ring.rootAgain, ring.otherRoot], 1);
  draft.signers.set('root', [...(draft.signers.get('root') ?? []), ring.rootAgain, ring.otherRoot]);
}

function rotateTargets(draft: Draft, ring: KeyRing): void {
  newRoot(draft);
  setKeys(draft, 'targets', [ring.rsa], 1);
  draft.signers.set('targets', [ring.rsa]);
  bump(draft, 'targets');
}

function newRoot(draft: Draft): void {
  const version = Number(body(draft, 'root').get('version'));
  draft.oldRoots.set(version, publish({ ...draft, oldRoots: new Map() }).get('root.json') as Uint8Array);
  bump(draft, 'root');
}

function setKeys(draft: Draft, role: string, keys: readonly KeyRing['root'][], threshold: number): void {
  const root = body(draft, 'root');
  const listed = root.get('keys') as TreeObject;
  for (const key of keys) listed.set(key.id, keyJson(key));
  const about = new Map<string, Tree>([
    ['keyids', keys.map(({ id }) => id)],
    ['threshold', threshold],
  ]);
  (root.get('roles') as TreeObject).set(role, about);
}
