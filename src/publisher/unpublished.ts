// SPDX-License-Identifier: Apache-2.0
import type { MetadataCache } from '../client/index.ts';
import {
  type Dialect,
  firstTargets,
  type Gun,
  MetadataError,
  ROOT,
  type RoleName,
  SNAPSHOT,
  type Snapshot,
  TARGETS,
  type Targets,
  TrustedRoot,
  VerificationError,
  verifyRole,
} from '../tuf/index.ts';
import { Draft } from './draft.ts';
import { type InitializeOptions, initializeRepository } from './initialize.ts';
import type { Authority } from './sign-role.ts';

/** Where a repository lies that no server has yet. */
export interface LocalRepository {
  readonly cache: MetadataCache;
  readonly gun: Gun;
  readonly dialect: Dialect;
  readonly now: Date;
}

/**
 * Makes a repository on this machine alone, as `notary init` does: root, targets and, with a client's key, snapshot, all of
 * version 1, signed and in the cache. What was trusted of the GUN before is replaced.
 * @throws KeyStoreError, PublishError, DownloadError; the cache is as it was then
 */
export async function initializeLocally(options: InitializeOptions & LocalRepository): Promise<void> {
  const { cache, gun, dialect, keys, now } = options;
  const draft = await initializeRepository(options);
  const files = await draft.sign(dialect, keys, now);
  cache.remove(gun);
  for (const [role, file] of files) cache.store(gun, role, file);
}

/**
 * The draft of the repository in the cache, for a server that has none: made by us, by Notary, or published before to a
 * server that lost it. Root goes out as it is; every other role is signed anew (reference 5.3).
 * @returns undefined where the cache has none
 * @throws VerificationError what lies there is not signed by its own keys
 */
export function loadUnpublished({ cache, gun, dialect, now }: LocalRepository): Draft | undefined {
  const unpublishedRoot = cache.load(gun, ROOT);
  if (unpublishedRoot === undefined) return undefined;
  const root = TrustedRoot.bootstrap(unpublishedRoot, { dialect, gun, now, marks: new Map() }, { admits: () => true });
  const read = (role: RoleName, authority: Authority) => readTargets(cache.load(gun, role), role, authority, dialect);
  const targets = new Map<RoleName, Targets>([
    [TARGETS, read(TARGETS, root.authority('targets')) ?? firstTargets(now)],
  ]);
  // a map goes on to what is added to it meanwhile: children after their parents
  for (const { delegations } of targets.values())
    for (const role of delegations.roles) {
      const child = read(role.name, { keys: delegations.keys, role });
      if (child !== undefined) targets.set(role.name, child);
    }
  const snapshot = readSnapshot(cache.load(gun, SNAPSHOT), root.authority('snapshot'), dialect);
  const base = { root: root.signed, unpublishedRoot, targets, refused: new Map() };
  const draft = new Draft(snapshot === undefined ? base : { ...base, snapshot });
  for (const role of targets.keys()) draft.edit(role, now, (signed) => signed);
  return draft;
}

function readTargets(
  file: Uint8Array | undefined,
  role: RoleName,
  { keys, role: listed }: Authority,
  dialect: Dialect,
): Targets | undefined {
  if (file === undefined) return undefined;
  return malformedIsUntrusted(role, () => verifyRole(role, dialect.decode('targets', file), keys, listed));
}

/** Only for its version: its list is made anew. One that its key did not sign has no say. */
function readSnapshot(file: Uint8Array | undefined, authority: Authority, dialect: Dialect): Snapshot | undefined {
  if (file === undefined) return undefined;
  try {
    const snapshot = verifyRole(SNAPSHOT, dialect.decode('snapshot', file), authority.keys, authority.role);
    return { ...snapshot, meta: new Map() };
  } catch (error) {
    if (error instanceof VerificationError || error instanceof MetadataError) return undefined;
    throw error;
  }
}

function malformedIsUntrusted<T>(role: RoleName, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new VerificationError('malformed', role, `${role}: ${cause.message}`, { cause });
  }
}
