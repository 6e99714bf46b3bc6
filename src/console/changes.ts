// SPDX-License-Identifier: Apache-2.0
/** What differs between two versions of a file: tags, keys, thresholds, paths. */
import { encodeHex, equalBytes } from '../encoding/index.ts';
import {
  canonicalIdOf,
  type Delegation,
  type KeyId,
  type PublicKey,
  type RoleKeys,
  type Root,
  type TargetFile,
  type Targets,
  TOP_LEVEL_ROLES,
} from '../tuf/index.ts';

export interface DifferenceOf {
  readonly kind: 'added' | 'removed' | 'changed';
  /** What it is about, as the program says it: `tag`, `key of targets`. */
  readonly what: string;
  /** A name that others chose, or a key ID. */
  readonly name: string;
  readonly detail?: string;
}

const NO_TARGETS: Pick<Targets, 'targets' | 'delegations'> = {
  targets: new Map(),
  delegations: { keys: new Map(), roles: [] },
};

export function targetsDifferences(
  before: Pick<Targets, 'targets' | 'delegations'> = NO_TARGETS,
  after: Pick<Targets, 'targets' | 'delegations'> = NO_TARGETS,
): readonly DifferenceOf[] {
  return [...tagDifferences(before.targets, after.targets), ...delegationDifferences(before, after)];
}

type Tags = ReadonlyMap<string, TargetFile>;

function tagDifferences(before: Tags, after: Tags): readonly DifferenceOf[] {
  const found: DifferenceOf[] = [];
  for (const [name, file] of after) {
    const was = before.get(name);
    if (was === undefined) found.push({ kind: 'added', what: 'tag', name, detail: digestOf(file) });
    else if (!sameTarget(was, file)) {
      found.push({ kind: 'changed', what: 'tag', name, detail: `${digestOf(was)} → ${digestOf(file)}` });
    }
  }
  for (const [name, file] of before) {
    if (!after.has(name)) found.push({ kind: 'removed', what: 'tag', name, detail: digestOf(file) });
  }
  return found;
}

function sameTarget(a: TargetFile, b: TargetFile): boolean {
  const [x, y] = [a.hashes.get('sha256'), b.hashes.get('sha256')];
  return a.length === b.length && x !== undefined && y !== undefined && equalBytes(x, y);
}

const DIGEST_SHOWN = 12;

function digestOf({ hashes }: TargetFile): string {
  const sha256 = hashes.get('sha256');
  return sha256 === undefined ? 'no sha256' : `sha256:${encodeHex(sha256).slice(0, DIGEST_SHOWN)}…`;
}

type Delegating = Pick<Targets, 'delegations'>;

function delegationDifferences(before: Delegating, after: Delegating): readonly DifferenceOf[] {
  const [old, fresh] = [byName(before), byName(after)];
  const found: DifferenceOf[] = [];
  for (const [name, role] of fresh) {
    const was = old.get(name);
    if (was === undefined) found.push({ kind: 'added', what: 'delegation', name });
    found.push(...keyDifferences(name, was, before.delegations.keys, role, after.delegations.keys));
    if (was !== undefined && was.paths.join('\n') !== role.paths.join('\n')) {
      found.push({ kind: 'changed', what: `paths of ${name}`, name: pathsOf(role), detail: `was ${pathsOf(was)}` });
    }
  }
  for (const name of old.keys()) if (!fresh.has(name)) found.push({ kind: 'removed', what: 'delegation', name });
  return found;
}

function byName({ delegations }: Delegating): ReadonlyMap<string, Delegation> {
  return new Map(delegations.roles.map((role) => [role.name, role]));
}

function pathsOf({ paths }: Delegation): string {
  if (paths.includes('')) return 'every tag';
  return paths.length === 0 ? 'no tag' : paths.map((path) => `${path}*`).join(', ');
}

export function rootDifferences(before: Root | undefined, after: Root): readonly DifferenceOf[] {
  return TOP_LEVEL_ROLES.flatMap((role) => {
    const now = after.roles.get(role);
    return now === undefined ? [] : keyDifferences(role, before?.roles.get(role), before?.keys, now, after.keys);
  });
}

type Keys = ReadonlyMap<KeyId, PublicKey>;

function keyDifferences(
  role: string,
  before: RoleKeys | undefined,
  oldKeys: Keys | undefined,
  after: RoleKeys,
  newKeys: Keys,
): readonly DifferenceOf[] {
  const what = `key of ${role}`;
  const [old, fresh] = [before?.keyIds ?? [], after.keyIds];
  const named = (kind: 'added' | 'removed', ids: readonly KeyId[], keys: Keys | undefined) =>
    ids.map((id): DifferenceOf => ({ kind, what, name: canonicalIdOf(keys?.get(id)) ?? id }));
  const found = [
    ...named(
      'added',
      fresh.filter((id) => !old.includes(id)),
      newKeys,
    ),
    ...named(
      'removed',
      old.filter((id) => !fresh.includes(id)),
      oldKeys,
    ),
  ];
  if (before === undefined || before.threshold === after.threshold) return found;
  const threshold = `${before.threshold} → ${after.threshold}`;
  return [...found, { kind: 'changed', what: `threshold of ${role}`, name: threshold }];
}
