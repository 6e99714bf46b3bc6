// SPDX-License-Identifier: Apache-2.0
import { RELEASES } from '../client/index.ts';
import { coversPath, type RoleName, TARGETS, type TargetFile, withoutTarget } from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { keysAtHand, type SigningKeys } from './sign-role.ts';
import { addTarget } from './tags.ts';

/**
 * Signs a tag for others to sign as well: into the roles named, else where Docker would, though one key of a role is
 * enough here, since the others are collected later.
 * @throws PublishError `no-delegation-key`; MetadataError `unknown-role`, `outside-paths`
 */
export async function stageTag(
  draft: Draft,
  keys: SigningKeys,
  now: Date,
  { tag, target, roles }: { readonly tag: string; readonly target: TargetFile; readonly roles?: readonly RoleName[] },
): Promise<void> {
  for (const role of roles ?? (await stagingRoles(draft, keys, tag))) addTarget(draft, role, now, tag, target);
}

async function stagingRoles(draft: Draft, keys: SigningKeys, tag: string): Promise<readonly RoleName[]> {
  const delegations = draft.targets(TARGETS)?.delegations.roles ?? [];
  if (delegations.length === 0) return [TARGETS];
  const allowed = delegations.filter(({ paths }) => coversPath(paths, tag)).map(({ name }) => name);
  const roles = await rolesWithKey(draft, keys, allowed);
  if (roles.length > 0) return roles;
  throw new PublishError('no-delegation-key', 'no key of a delegation that may sign the tag is at hand', {
    roles: allowed,
  });
}

/**
 * Takes a tag, or every tag, from each role that makes it trusted, and from others of which a key is at hand.
 * @returns roles of other signers that still list it, though nobody trusts it by them alone
 * @throws PublishError `not-signed`
 */
export async function stageRevocation(
  draft: Draft,
  keys: SigningKeys,
  now: Date,
  tag: string | undefined,
): Promise<readonly RoleName[]> {
  const holders = draft.roles.filter((role) => holds(draft, role, tag));
  if (holders.length === 0) throw new PublishError('not-signed', `No valid trust data for ${tag ?? 'the repository'}`);
  const own = await rolesWithKey(draft, keys, holders);
  const taken = holders.filter((role) => role === TARGETS || role === RELEASES || own.includes(role));
  for (const role of taken) {
    draft.edit(role, now, (targets) =>
      tag === undefined ? { ...targets, targets: new Map() } : withoutTarget(targets, tag),
    );
  }
  return holders.filter((role) => !taken.includes(role));
}

function holds(draft: Draft, role: RoleName, tag: string | undefined): boolean {
  const targets = draft.targets(role)?.targets;
  return targets !== undefined && (tag === undefined ? targets.size > 0 : targets.has(tag));
}

async function rolesWithKey(draft: Draft, keys: SigningKeys, roles: readonly RoleName[]): Promise<readonly RoleName[]> {
  const found: RoleName[] = [];
  for (const role of roles) {
    const authority = draft.authority(role);
    if (authority !== undefined && (await keysAtHand(keys, authority)).size > 0) found.push(role);
  }
  return found;
}
