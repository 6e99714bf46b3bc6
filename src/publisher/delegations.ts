// SPDX-License-Identifier: Apache-2.0
import {
  canonicalIdOf,
  type DelegationChange,
  isDelegationName,
  type KeyId,
  MetadataError,
  parentRole,
  permittedPaths,
  type RoleName,
  TARGETS,
  withDelegation,
  withoutDelegation,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import type { SigningKeys } from './sign-role.ts';
import { signableRoles } from './tags.ts';

/**
 * Changes a delegation in its parent, or makes it. A parent that nobody signed yet gets its first file.
 * @throws MetadataError `unknown-role`, `outside-paths`, `bad-threshold`
 */
export function changeDelegation(draft: Draft, name: RoleName, now: Date, change: DelegationChange): void {
  const parent = existingParent(draft, name);
  draft.edit(parent, now, (targets) =>
    withDelegation({ role: parent, targets, paths: pathsOf(draft, parent) }, name, change),
  );
}

/** Takes a delegation with all below it out of its parent. @throws MetadataError `unknown-role` */
export function removeDelegation(draft: Draft, name: RoleName, now: Date): void {
  const parent = existingParent(draft, name);
  if (!draft.targets(parent)?.delegations.roles.some((role) => role.name === name)) {
    throw new MetadataError('unknown-role', `${name} is no delegation of ${parent}`);
  }
  draft.edit(parent, now, (targets) => withoutDelegation(targets, name));
  draft.dropRole(name);
}

/**
 * Takes keys, by canonical ID, out of every delegation below `under` whose parent can be signed; other parents are left
 * as they are.
 * @returns the delegations that lost a key
 * @throws PublishError `not-signed` if no delegation that can be changed has one of the keys
 */
export async function purgeKeys(
  draft: Draft,
  keys: SigningKeys,
  now: Date,
  keyIds: readonly KeyId[],
  under: RoleName = TARGETS,
): Promise<readonly RoleName[]> {
  const below = draft.roles.filter((role) => role === under || role.startsWith(`${under}/`));
  const parents = await signableRoles(draft, keys, below);
  const purged: RoleName[] = [];
  for (const parent of parents) {
    const delegations = draft.targets(parent)?.delegations;
    for (const role of delegations?.roles ?? []) {
      const held = role.keyIds.some((id) => keyIds.includes(canonicalIdOf(delegations?.keys.get(id)) as KeyId));
      if (!held) continue;
      changeDelegation(draft, role.name, now, { removeKeys: keyIds });
      purged.push(role.name);
    }
  }
  if (purged.length === 0)
    throw new PublishError('not-signed', `no delegation that can be changed has key ${keyIds.join(', ')}`, { keyIds });
  return purged;
}

function existingParent(draft: Draft, name: RoleName): RoleName {
  if (!isDelegationName(name)) throw new MetadataError('unknown-role', `${name} is no delegation`);
  const parent = parentRole(name);
  if (parent !== TARGETS && draft.authority(parent) === undefined)
    throw new MetadataError('unknown-role', `tuf: invalid role ${parent}.`);
  return parent;
}

/** The prefixes that the whole chain of delegators leaves to a role. */
function pathsOf(draft: Draft, role: RoleName): readonly string[] {
  if (role === TARGETS) return [''];
  const parent = parentRole(role);
  const own = draft.targets(parent)?.delegations.roles.find(({ name }) => name === role)?.paths ?? [];
  return permittedPaths(own, pathsOf(draft, parent));
}
