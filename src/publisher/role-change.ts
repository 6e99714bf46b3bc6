// SPDX-License-Identifier: Apache-2.0
import { canonicalText } from '../encoding/index.ts';
import {
  canonicalIdOf,
  type Delegation,
  type Delegations,
  type KeyId,
  type PublicKey,
  type RoleKeys,
  type RoleName,
  type Root,
  sameTarget,
  type TargetFile,
  type Targets,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
} from '../tuf/index.ts';

/** A tag that another content is to be signed for; `before` or `after` is left out where it comes or goes. */
export interface TagChange {
  readonly tag: string;
  readonly before?: TargetFile;
  readonly after?: TargetFile;
}

/** What becomes of the keys of a role. Keys are named by canonical ID. */
export interface KeysChange {
  readonly role: RoleName | TopLevelRole;
  readonly isNew: boolean;
  readonly isRemoved: boolean;
  readonly addedKeys: readonly KeyId[];
  readonly removedKeys: readonly KeyId[];
  /** Keys that stay, under another certificate. */
  readonly renewedKeys: readonly KeyId[];
  readonly threshold: { readonly before: number; readonly after: number };
  /** Distinct keys that the role has then. */
  readonly keys: number;
  readonly addedPaths: readonly string[];
  readonly removedPaths: readonly string[];
}

/** Everything in which the next version of a role differs from what is trusted now: what a signer is to be shown. */
export interface RoleChange {
  readonly role: RoleName;
  readonly version: { readonly before: number; readonly after: number };
  readonly expires: Date;
  readonly tags: readonly TagChange[];
  readonly keys: readonly KeysChange[];
  /** The order in which delegations are searched, where it changes: of two that sign a tag, the first one counts. */
  readonly order: readonly RoleName[] | undefined;
}

/** How one targets file becomes another. */
export function targetsChange(role: RoleName, before: Targets | undefined, after: Targets): RoleChange {
  return {
    role,
    version: { before: before?.version ?? 0, after: after.version },
    expires: after.expires,
    tags: tagChanges(before?.targets ?? new Map(), after.targets),
    keys: delegationChanges(before?.delegations ?? { keys: new Map(), roles: [] }, after.delegations),
    order: newOrder(before?.delegations.roles ?? [], after.delegations.roles),
  };
}

/** How one root becomes another. */
export function rootChange(role: RoleName, before: Root, after: Root): RoleChange {
  const keys = TOP_LEVEL_ROLES.flatMap((name) =>
    keysChange(name, [before.roles.get(name), before.keys], [after.roles.get(name), after.keys]),
  );
  const version = { before: before.version, after: after.version };
  return { role, version, expires: after.expires, tags: [], keys, order: undefined };
}

function tagChanges(
  before: ReadonlyMap<string, TargetFile>,
  after: ReadonlyMap<string, TargetFile>,
): readonly TagChange[] {
  const removed = [...before].flatMap(([tag, target]) => (after.has(tag) ? [] : [{ tag, before: target }]));
  const set = [...after].flatMap(([tag, target]): TagChange[] => {
    const old = before.get(tag);
    if (old === undefined) return [{ tag, after: target }];
    return isSame(old, target) ? [] : [{ tag, before: old, after: target }];
  });
  return [...set, ...removed].sort((a, b) => (a.tag < b.tag ? -1 : 1));
}

/** Unlike `sameTarget` with what its publisher wrote beside the hashes: that is signed as well. */
function isSame(a: TargetFile, b: TargetFile): boolean {
  return sameTarget(a, b) && customText(a) === customText(b);
}

function customText({ custom }: TargetFile): string | undefined {
  return custom === undefined ? undefined : canonicalText(custom);
}

type Listed = readonly [role: RoleKeys | Delegation | undefined, keys: ReadonlyMap<KeyId, PublicKey>];

function delegationChanges(before: Delegations, after: Delegations): readonly KeysChange[] {
  const find = ({ roles }: Delegations, name: RoleName) => roles.find((role) => role.name === name);
  const names = new Set([...before.roles, ...after.roles].map(({ name }) => name));
  return [...names].flatMap((name) =>
    keysChange(name, [find(before, name), before.keys], [find(after, name), after.keys]),
  );
}

/** Nothing where the role keeps keys, threshold and paths. */
function keysChange(role: RoleName | TopLevelRole, before: Listed, after: Listed): readonly KeysChange[] {
  const [old, next] = [before[0]?.keyIds ?? [], after[0]?.keyIds ?? []];
  const [oldKeys, nextKeys] = [canonicalIds(before), canonicalIds(after)];
  const isRenewed = (id: KeyId) => next.some((listed) => !old.includes(listed) && idIn(after, listed) === id);
  const change = {
    role,
    isNew: before[0] === undefined,
    isRemoved: after[0] === undefined,
    addedKeys: nextKeys.filter((id) => !oldKeys.includes(id)),
    removedKeys: oldKeys.filter((id) => !nextKeys.includes(id)),
    renewedKeys: nextKeys.filter((id) => oldKeys.includes(id) && isRenewed(id)),
    threshold: { before: before[0]?.threshold ?? 0, after: after[0]?.threshold ?? 0 },
    keys: nextKeys.length,
    addedPaths: pathsOf(after).filter((path) => !pathsOf(before).includes(path)),
    removedPaths: pathsOf(before).filter((path) => !pathsOf(after).includes(path)),
  };
  const { addedKeys, removedKeys, renewedKeys, addedPaths, removedPaths, threshold, isNew, isRemoved } = change;
  const lists = [addedKeys, removedKeys, renewedKeys, addedPaths, removedPaths];
  const isChanged = lists.some((list) => list.length > 0) || threshold.before !== threshold.after;
  return isChanged || isNew || isRemoved ? [change] : [];
}

/** A key that nobody can read is shown by the ID under which it is listed. */
function idIn([, keys]: Listed, id: KeyId): KeyId {
  return canonicalIdOf(keys.get(id)) ?? id;
}

function canonicalIds(listed: Listed): readonly KeyId[] {
  return [...new Set((listed[0]?.keyIds ?? []).map((id) => idIn(listed, id)))];
}

function pathsOf([role]: Listed): readonly string[] {
  return role !== undefined && 'paths' in role ? role.paths : [];
}

/** The order of what stays and comes, unless it only grew at its end or shrank. */
function newOrder(before: readonly Delegation[], after: readonly Delegation[]): readonly RoleName[] | undefined {
  const names = after.map(({ name }) => name);
  const kept = before.map(({ name }) => name).filter((name) => names.includes(name));
  return kept.every((name, index) => names[index] === name) ? undefined : names;
}
