// SPDX-License-Identifier: Apache-2.0
import {
  notaryV1,
  parentRole,
  parseRoleName,
  ROOT,
  type RoleName,
  type RootPin,
  SNAPSHOT,
  TARGETS,
  TIMESTAMP,
  TrustedRoot,
  type TrustedSnapshot,
  type TrustedTargets,
  type TrustedTimestamp,
  type UpdateContext,
} from '../../src/tuf/index.ts';
import { GUN, NOW, type RepositorySimulator } from './repository-simulator.ts';

/** First use: any root key is admitted. */
export const ANY_KEY: RootPin = { admits: () => true };

export function contextOf(change: Partial<UpdateContext> = {}): UpdateContext {
  return { dialect: notaryV1, gun: GUN, now: NOW, marks: new Map(), ...change };
}

type Change = Partial<UpdateContext>;

export function fileOf(repository: RepositorySimulator, role: RoleName | string): Uint8Array {
  const file = repository.files.get(role as RoleName);
  if (file === undefined) throw new Error(`the repository has no ${role}`);
  return file;
}

/** The stages of one update over a repository's current files, up to the one that is named. */
export function toRoot(repository: RepositorySimulator, change: Change = {}): TrustedRoot {
  return TrustedRoot.bootstrap(
    fileOf(repository, ROOT),
    contextOf({ dialect: repository.dialect, ...change }),
    ANY_KEY,
  );
}

export function toTimestamp(repository: RepositorySimulator, change: Change = {}): TrustedTimestamp {
  return toRoot(repository, change).updateTimestamp(fileOf(repository, TIMESTAMP));
}

export function toSnapshot(repository: RepositorySimulator, change: Change = {}): TrustedSnapshot {
  return toTimestamp(repository, change).updateSnapshot(fileOf(repository, SNAPSHOT));
}

/** Up to top-level targets, and then the named delegations in this order. */
export function toTargets(
  repository: RepositorySimulator,
  change: Change = {},
  ...delegations: readonly string[]
): TrustedTargets {
  let targets = toSnapshot(repository, change).updateTargets(fileOf(repository, TARGETS));
  for (const name of delegations) {
    const role = parseRoleName(name);
    targets = targets.delegate(parentRole(role), role, fileOf(repository, role));
  }
  return targets;
}
