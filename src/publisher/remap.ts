// SPDX-License-Identifier: Apache-2.0
import { RELEASES, type TrustedRepository } from '../client/index.ts';
import {
  canonicalIdOf,
  type KeyId,
  parentRole,
  type RoleName,
  sameTarget,
  TARGETS,
  type Targets,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { roleKeyIds } from './rotation.ts';
import { type Authority, keysAtHand, type SigningKeys } from './sign-role.ts';

/** A delegation that others have to sign again under the new name. */
export interface UnsignedRole {
  readonly role: RoleName;
  readonly keyIds: readonly KeyId[];
  /** Tags that nobody at hand can sign in its name. */
  readonly tags: readonly string[];
}

/** How a repository is made anew under another name. */
export interface RemapPlan {
  readonly rootKeyIds: readonly KeyId[];
  /** Root keys that are elsewhere: the new root does without them. */
  readonly rootKeysAbsent: readonly KeyId[];
  /** Undefined if not enough of them are at hand: then a new one is made. */
  readonly targetsKeyIds: readonly KeyId[] | undefined;
  readonly thresholds: { readonly root: number; readonly targets: number };
  /** Roles whose content is signed again by keys at hand; parents first, `targets` among them. */
  readonly signed: readonly RoleName[];
  readonly unsigned: readonly UnsignedRole[];
  /** Tags of `targets` that an unsigned `targets/releases` overrules: carried over alone, a replaced release would come back. */
  readonly withheld: readonly string[];
}

/**
 * What the keys at hand can sign of a repository under another name. A root certificate names its GUN, so that nothing
 * that was signed can stay as it is.
 * @throws PublishError `no-signing-key` if the root's threshold cannot be reached; KeyStoreError
 * @throws VerificationError `targets/releases` is refused: what it overrules cannot be told
 */
export async function planRemap(old: TrustedRepository, keys: SigningKeys): Promise<RemapPlan> {
  const refused = old.refused.get(RELEASES);
  if (refused !== undefined) throw refused.error;
  const { root } = old.targets.snapshot.timestamp;
  const rootAuthority = root.authority('root');
  const rootKeyIds = [...(await keysAtHand(keys, rootAuthority)).values()];
  const all = roleKeyIds(root.signed, 'root');
  if (rootKeyIds.length < rootAuthority.role.threshold)
    throw new PublishError('no-signing-key', `root key ${all.join(', ')} is needed, and not at hand`, { keyIds: all });
  const targetsAuthority = root.authority('targets');
  const targetsKeyIds = [...(await keysAtHand(keys, targetsAuthority)).values()];
  const hasTargets = targetsKeyIds.length >= targetsAuthority.role.threshold;
  const { signed, unsigned } = await delegationsOf(old, keys);
  return {
    rootKeyIds,
    rootKeysAbsent: all.filter((id) => !rootKeyIds.includes(id)),
    targetsKeyIds: hasTargets ? targetsKeyIds : undefined,
    thresholds: { root: rootAuthority.role.threshold, targets: hasTargets ? targetsAuthority.role.threshold : 1 },
    signed: [TARGETS, ...signed],
    unsigned,
    withheld: signed.includes(RELEASES) ? [] : overruledTags(old),
  };
}

function overruledTags({ targets: { roles } }: TrustedRepository): readonly string[] {
  const top = roles.get(TARGETS)?.signed.targets ?? new Map();
  const releases = roles.get(RELEASES)?.signed.targets ?? new Map();
  return [...releases].flatMap(([tag, target]) => (top.has(tag) && !sameTarget(target, top.get(tag)) ? [tag] : []));
}

/** Those below a role that cannot be signed hang in the air, whoever has their keys. */
async function delegationsOf(old: TrustedRepository, keys: SigningKeys) {
  const signed: RoleName[] = [];
  const unsigned: UnsignedRole[] = [];
  const waiting: RoleName[] = [TARGETS];
  for (const parent of waiting) {
    const delegations = old.targets.roles.get(parent)?.signed.delegations;
    for (const role of delegations?.roles ?? []) {
      const authority: Authority = { keys: delegations?.keys ?? new Map(), role };
      const file = old.targets.roles.get(role.name);
      const isReached = parent === TARGETS || signed.includes(parent);
      if (file === undefined && !old.refused.has(role.name)) continue;
      waiting.push(role.name);
      if (file !== undefined && isReached && (await keysAtHand(keys, authority)).size >= role.threshold) {
        signed.push(role.name);
        continue;
      }
      const keyIds = role.keyIds.flatMap((id) => canonicalIdOf(authority.keys.get(id)) ?? []);
      unsigned.push({ role: role.name, keyIds, tags: [...(file?.signed.targets.keys() ?? [])] });
    }
  }
  return { signed, unsigned };
}

/** Puts into the draft of a new repository what the plan's roles held, their delegations and keys included. */
export function carryOver(draft: Draft, old: TrustedRepository, plan: RemapPlan, now: Date): void {
  if (!draft.isNew) throw new PublishError('rejected', 'the new name has trust data already: nothing was changed');
  for (const role of plan.signed) {
    const file = old.targets.roles.get(role);
    if (file === undefined) throw new Error(`${parentRole(role)} has no ${role}`);
    const { delegations } = file.signed;
    const targets = carriedTargets(role, file.signed, plan);
    draft.edit(role, now, (first) => ({ ...first, targets, delegations }));
  }
}

function carriedTargets(role: RoleName, { targets }: Targets, { withheld }: RemapPlan): Targets['targets'] {
  return role === TARGETS ? new Map([...targets].filter(([tag]) => !withheld.includes(tag))) : targets;
}

/** Tags of the signed roles that are not the same under both names: none, unless something went wrong. */
export function differingTags(old: TrustedRepository, renamed: TrustedRepository, plan: RemapPlan): readonly string[] {
  return plan.signed.flatMap((role) => {
    const before = old.targets.roles.get(role);
    const expected = before === undefined ? new Map() : carriedTargets(role, before.signed, plan);
    const actual = renamed.targets.roles.get(role)?.signed.targets ?? new Map();
    const names = new Set([...expected.keys(), ...actual.keys()]);
    return [...names].filter((name) => {
      const target = expected.get(name);
      return target === undefined || !sameTarget(target, actual.get(name));
    });
  });
}
