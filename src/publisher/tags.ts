// SPDX-License-Identifier: Apache-2.0
import { RELEASES } from '../client/index.ts';
import {
  canonicalIdOf,
  coversPath,
  MetadataError,
  type RoleName,
  sameTarget,
  TARGETS,
  type TargetFile,
  withoutTarget,
  withTarget,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { keysAtHand, type SigningKeys } from './sign-role.ts';

/**
 * The roles into which Docker signs a tag: every direct delegation of `targets` whose key is at hand and whose paths
 * allow the tag, or `targets` where there are no delegations (reference 10.3).
 * @throws PublishError `no-delegation-key`
 */
export async function dockerSigningRoles(draft: Draft, keys: SigningKeys, tag: string): Promise<readonly RoleName[]> {
  const delegations = draft.targets(TARGETS)?.delegations.roles ?? [];
  if (delegations.length === 0) return [TARGETS];
  const allowed = delegations.filter(({ paths }) => coversPath(paths, tag)).map(({ name }) => name);
  const signable = await signableRoles(draft, keys, allowed);
  if (signable.size > 0) return [...signable];
  throw new PublishError('no-delegation-key', 'no valid signing keys for delegation roles', { roles: allowed });
}

/**
 * Sets a target in a role; the same target again changes nothing.
 * @throws MetadataError `unknown-role`, `outside-paths`
 */
export function addTarget(draft: Draft, role: RoleName, now: Date, path: string, target: TargetFile): void {
  if (draft.authority(role) === undefined) throw new MetadataError('unknown-role', `${role} is no role here`);
  if (sameTarget(target, draft.targets(role)?.targets.get(path))) {
    // listed in a file that has expired is not signed
    const fault = draft.refusal(role);
    if (fault !== undefined) throw fault;
    return;
  }
  if (!mayHold(draft, role, path))
    throw new MetadataError('outside-paths', `${role} may not sign ${JSON.stringify(path)}`);
  draft.edit(role, now, (targets) => withTarget(targets, path, target));
}

function mayHold(draft: Draft, role: RoleName, path: string): boolean {
  const delegation = role === TARGETS ? undefined : draft.authority(role)?.role;
  return (
    delegation === undefined || !('paths' in delegation) || coversPath(delegation.paths as readonly string[], path)
  );
}

/**
 * Takes a tag, or every tag, from all roles that hold it. Docker leaves a tag trusted that `targets` signs when there
 * are delegations; here a role that makes the tag trusted and cannot be signed fails the whole.
 * @returns roles of other signers that still list the tag, though nobody trusts it by them alone
 * @throws PublishError `not-signed`; `no-signing-key` and the draft is as it was
 * @throws VerificationError `targets/releases` is refused
 */
export async function revokeTag(
  draft: Draft,
  keys: SigningKeys,
  now: Date,
  tag: string | undefined,
): Promise<readonly RoleName[]> {
  // what it holds cannot be told; signed anew, it would bring the tag back
  const fault = draft.refusal(RELEASES);
  if (fault !== undefined) throw fault;
  const holders = draft.roles.filter((role) => holds(draft, role, tag));
  if (holders.length === 0) {
    throw new PublishError(
      'not-signed',
      tag === undefined ? 'no signed tags to remove' : `No valid trust data for ${tag}`,
    );
  }
  const signable = await signableRoles(draft, keys, holders);
  const kept = holders.filter((role) => !signable.has(role));
  const trusting = kept.filter((role) => role === TARGETS || role === RELEASES);
  if (trusting.length > 0 || signable.size === 0) throw missingKeys(draft, trusting.length > 0 ? trusting : kept, tag);
  for (const role of signable) {
    draft.edit(role, now, (targets) =>
      tag === undefined ? { ...targets, targets: new Map() } : withoutTarget(targets, tag),
    );
  }
  return kept;
}

function holds(draft: Draft, role: RoleName, tag: string | undefined): boolean {
  const targets = draft.targets(role)?.targets;
  return targets !== undefined && (tag === undefined ? targets.size > 0 : targets.has(tag));
}

/** Those of `roles` whose threshold the keys at hand reach. */
export async function signableRoles(
  draft: Draft,
  keys: SigningKeys,
  roles: readonly RoleName[],
): Promise<ReadonlySet<RoleName>> {
  const signable = new Set<RoleName>();
  for (const role of roles) {
    const authority = draft.authority(role);
    if (authority === undefined) continue;
    if ((await keysAtHand(keys, authority)).size >= authority.role.threshold) signable.add(role);
  }
  return signable;
}

function missingKeys(draft: Draft, roles: readonly RoleName[], tag: string | undefined): PublishError {
  const keyIds = roles.flatMap((role) => {
    const authority = draft.authority(role);
    return authority?.role.keyIds.flatMap((id) => canonicalIdOf(authority.keys.get(id)) ?? []) ?? [];
  });
  const message = `${tag ?? 'the repository'} stays signed by ${roles.join(', ')}: none of the keys ${keyIds.join(', ')} is at hand`;
  return new PublishError('no-signing-key', message, { roles, keyIds });
}
