// SPDX-License-Identifier: Apache-2.0
/** The next version of a role's metadata: pure edits that refuse what no verifier would accept. */
import { equalBytes, quoteText } from '../encoding/index.ts';
import { coversPath } from './delegations.ts';
import { canonicalIdOf, canonicalKeyId, keyId, type PublicKey } from './keys.ts';
import type {
  Delegation,
  Delegations,
  MetaFile,
  Root,
  Signed,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from './metadata.ts';
import { MetadataError } from './metadata-error.ts';
import { type KeyId, parseRoleName, ROOT, type RoleName, TARGETS, type TopLevelRole, type Version } from './names.ts';

const DAY = 86_400_000;

/** Lifetimes of metadata in days (reference 2.5). */
export const LIFETIME_DAYS: Readonly<Record<Signed['type'], number>> = {
  root: 3650,
  targets: 1095,
  snapshot: 1095,
  timestamp: 14,
};

/** When metadata of this kind that is signed at `now` expires. */
export function expiryOf(kind: Signed['type'], now: Date): Date {
  return new Date(now.getTime() + LIFETIME_DAYS[kind] * DAY);
}

const FIRST = 1 as Version;

/** The same content one version later, with a fresh expiry. */
export function nextVersion<T extends Signed>(signed: T, now: Date): T {
  return { ...signed, version: (signed.version + 1) as Version, expires: expiryOf(signed.type, now) };
}

/** A first root. Each role is given its keys, and a threshold of one unless said otherwise. @throws MetadataError */
export function firstRoot(keys: Readonly<Record<TopLevelRole, readonly PublicKey[]>>, now: Date): Root {
  let root: Root = {
    type: 'root',
    version: FIRST,
    expires: expiryOf('root', now),
    keys: new Map(),
    roles: new Map(),
    consistentSnapshot: false,
  };
  for (const role of Object.keys(keys) as TopLevelRole[]) root = withRoleKeys(root, role, keys[role]);
  return root;
}

/**
 * A root in which `role` has exactly these keys. Keys that no role has any more go, except root's own: old root
 * certificates stay listed (reference 5.7). @throws MetadataError `bad-threshold`
 */
export function withRoleKeys(root: Root, role: TopLevelRole, keys: readonly PublicKey[], threshold = 1): Root {
  checkThreshold(role, keys, threshold);
  const roles = new Map(root.roles).set(role, { keyIds: keys.map(keyId), threshold });
  const used = new Set([...roles.values()].flatMap((listed) => listed.keyIds));
  const all = new Map([...root.keys, ...byId(keys)]);
  return { ...root, roles, keys: new Map([...all].filter(([id, key]) => used.has(id) || key.type.endsWith('-x509'))) };
}

/** S9, S16: a threshold that is below one or that the keys can never reach locks everybody out. */
function checkThreshold(role: string, keys: readonly PublicKey[], threshold: number): void {
  const distinct = new Set(keys.map(canonicalKeyId)).size;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > distinct) {
    throw new MetadataError('bad-threshold', `${role} cannot need ${threshold} signatures of ${distinct} keys`);
  }
}

function byId(keys: readonly PublicKey[]): ReadonlyMap<KeyId, PublicKey> {
  return new Map(keys.map((key) => [keyId(key), key]));
}

const NO_DELEGATIONS: Delegations = { keys: new Map(), roles: [] };

/** An empty targets or delegation file, version 1. */
export function firstTargets(now: Date): Targets {
  return {
    type: 'targets',
    version: FIRST,
    expires: expiryOf('targets', now),
    targets: new Map(),
    delegations: NO_DELEGATIONS,
  };
}

export function withTarget(targets: Targets, path: string, file: TargetFile): Targets {
  if (path === '' || /\p{Cc}/u.test(path) || !path.isWellFormed()) {
    throw new MetadataError('malformed', `invalid target name ${quoteText(path)}`);
  }
  return { ...targets, targets: new Map(targets.targets).set(path, file) };
}

export function withoutTarget(targets: Targets, path: string): Targets {
  const left = new Map(targets.targets);
  left.delete(path);
  return { ...targets, targets: left };
}

/** Whether two target entries say the same of the same content. */
export function sameTarget(a: TargetFile, b: TargetFile | undefined): boolean {
  if (b === undefined || a.length !== b.length || a.hashes.size !== b.hashes.size) return false;
  return [...a.hashes].every(([algorithm, bytes]) => equalBytes(bytes, b.hashes.get(algorithm) ?? new Uint8Array()));
}

/** What to change in one delegation; what is left out stays. */
export interface DelegationChange {
  readonly addKeys?: readonly PublicKey[];
  /** Canonical key IDs, as users see them; unknown ones are passed over. */
  readonly removeKeys?: readonly KeyId[];
  readonly addPaths?: readonly string[];
  readonly removePaths?: readonly string[];
  readonly threshold?: number;
}

/**
 * `parent`'s metadata with the delegation changed, or made where it is new.
 * @throws MetadataError `unknown-role` no child of the parent, `outside-paths`, `bad-threshold`
 */
export function withDelegation(
  parent: { readonly role: RoleName; readonly targets: Targets; readonly paths: readonly string[] },
  name: RoleName,
  change: DelegationChange,
): Targets {
  parseRoleName(name);
  if (!name.startsWith(`${parent.role}/`) || name.slice(parent.role.length + 1).includes('/')) {
    throw new MetadataError('unknown-role', `${name} is no child of ${parent.role}`);
  }
  const outside = change.addPaths?.find((path) => !coversPath(parent.paths, path));
  if (outside !== undefined)
    throw new MetadataError('outside-paths', `${parent.role} may not delegate ${quoteText(outside)}`);
  const { delegations } = parent.targets;
  const old = delegations.roles.find((role) => role.name === name) ?? { name, keyIds: [], paths: [], threshold: 1 };
  const keys = new Map([...delegations.keys, ...byId(change.addKeys ?? [])]);
  const role = changed(old, change, keys);
  const roles = delegations.roles.some((other) => other.name === name)
    ? delegations.roles.map((other) => (other.name === name ? role : other))
    : [...delegations.roles, role];
  return { ...parent.targets, delegations: pruned(keys, roles) };
}

function changed(old: Delegation, change: DelegationChange, keys: ReadonlyMap<KeyId, PublicKey>): Delegation {
  const removed = new Set(change.removeKeys ?? []);
  const kept = old.keyIds.filter((id) => !removed.has(canonicalIdOf(keys.get(id)) ?? id));
  const keyIds = [...new Set([...kept, ...(change.addKeys ?? []).map(keyId)])];
  const paths = [
    ...new Set([...old.paths.filter((path) => !change.removePaths?.includes(path)), ...(change.addPaths ?? [])]),
  ];
  const threshold = change.threshold ?? old.threshold;
  // a role may be left without keys, and is unusable until it gets some; else its threshold must be reachable
  const listed = keyIds.flatMap((id) => keys.get(id) ?? []);
  if (keyIds.length > 0 || threshold < 1) checkThreshold(old.name, listed, threshold);
  return { name: old.name, keyIds, paths, threshold };
}

export function withoutDelegation(targets: Targets, name: RoleName): Targets {
  return {
    ...targets,
    delegations: pruned(
      targets.delegations.keys,
      targets.delegations.roles.filter((role) => role.name !== name),
    ),
  };
}

/** Keys that no delegation names are dropped. */
function pruned(keys: ReadonlyMap<KeyId, PublicKey>, roles: readonly Delegation[]): Delegations {
  const used = new Set(roles.flatMap((role) => role.keyIds));
  return { keys: new Map([...keys].filter(([id]) => used.has(id))), roles };
}

/** The first snapshot over a root and a targets file, version 1. */
export function firstSnapshot(meta: ReadonlyMap<RoleName, MetaFile>, now: Date): Snapshot {
  if (!meta.has(ROOT) || !meta.has(TARGETS)) throw new MetadataError('malformed', 'a snapshot lists root and targets');
  return { type: 'snapshot', version: FIRST, expires: expiryOf('snapshot', now), meta };
}

/** The next snapshot, or the first, with these files changed; `null` takes a role out. */
export function nextSnapshot(
  previous: Snapshot | undefined,
  files: ReadonlyMap<RoleName, MetaFile | null>,
  now: Date,
): Snapshot {
  const meta = new Map(previous?.meta);
  for (const [role, file] of files) {
    if (file === null) meta.delete(role);
    else meta.set(role, file);
  }
  return previous === undefined ? firstSnapshot(meta, now) : { ...nextVersion(previous, now), meta };
}

/** The next timestamp, or the first, over `snapshot`. */
export function nextTimestamp(previous: Timestamp | undefined, snapshot: MetaFile, now: Date): Timestamp {
  if (previous === undefined)
    return { type: 'timestamp', version: FIRST, expires: expiryOf('timestamp', now), snapshot };
  return { ...nextVersion(previous, now), snapshot };
}

/** A target of the given content, as Docker writes it: by SHA-256 alone. */
export function dockerTarget(sha256: Uint8Array, length: number): TargetFile {
  return { length, hashes: new Map([['sha256', sha256]]) };
}
