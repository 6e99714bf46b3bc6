// SPDX-License-Identifier: Apache-2.0
import { encodeCanonicalJson, equalBytes } from '../encoding/index.ts';
import {
  canonicalIdOf,
  coversPath,
  type DelegationChange,
  type Dialect,
  isDelegationName,
  MetadataError,
  parentRole,
  type RoleName,
  sameTarget,
  TARGETS,
  type TargetFile,
  withoutTarget,
  withTarget,
} from '../tuf/index.ts';
import { type Change, ChangelistError } from './changelist.ts';
import { decodeDelegationContent, decodeTargetContent } from './changelist-content.ts';
import { changeDelegation, purgeKeys, removeDelegation } from './delegations.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { keysAtHand, type SigningKeys } from './sign-role.ts';

const MAX_MESSAGE = 300;

export interface ApplyOptions {
  readonly dialect: Dialect;
  readonly keys: SigningKeys;
  readonly now: Date;
}

/**
 * Carries staged changes out on a draft, in order; the first that cannot be done ends it (reference 5.3).
 * @throws ChangelistError; PublishError `no-signing-key`; MetadataError; VerificationError a role is not trusted
 */
export async function applyChanges(draft: Draft, changes: readonly Change[], options: ApplyOptions): Promise<void> {
  for (const change of changes) await applyChange(draft, change, options);
}

async function applyChange(draft: Draft, change: Change, options: ApplyOptions): Promise<void> {
  const { role, type } = change;
  if (role === 'root') throw unsupported(change, `type of root change not yet supported: ${type}`);
  if (type === 'delegation' && wildcardParent(role) !== undefined) return purge(draft, change, options);
  if (role !== TARGETS && !isDelegationName(role)) throw unsupported(change, `scope not supported: ${role}`);
  switch (type) {
    case 'target':
      return changeTarget(draft, role as RoleName, change, options);
    case 'delegation':
      return changeDelegated(draft, role as RoleName, change, options);
    case 'witness':
      return witness(draft, role as RoleName, options);
    case 'role':
      throw unsupported(change, 'only target meta and delegations changes supported');
    default:
      return type satisfies never;
  }
}

/** The role is a user's or a file's text: no control character of it reaches a terminal. */
function unsupported({ role }: Change, message: string): ChangelistError {
  return new ChangelistError('unsupported', message.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, MAX_MESSAGE), { role });
}

async function changeTarget(draft: Draft, role: RoleName, change: Change, options: ApplyOptions): Promise<void> {
  const { now, keys } = options;
  await requireKeys(draft, role, keys);
  if (change.action === 'delete') {
    if (draft.targets(role)?.targets.has(change.path))
      draft.edit(role, now, (targets) => withoutTarget(targets, change.path));
    return;
  }
  const target = decodeTargetContent(change);
  if (isSame(target, draft.targets(role)?.targets.get(change.path))) return;
  if (!coversPath(pathsOf(draft, role), change.path))
    throw new ChangelistError('outside-paths', 'Could not add all targets', { role });
  draft.edit(role, now, (targets) => withTarget(targets, change.path, target));
}

function isSame(target: TargetFile, present: TargetFile | undefined): boolean {
  if (!sameTarget(target, present)) return false;
  const text = ({ custom = null }: TargetFile) => encodeCanonicalJson(custom);
  return equalBytes(text(target), text(present as TargetFile));
}

async function changeDelegated(draft: Draft, role: RoleName, change: Change, options: ApplyOptions): Promise<void> {
  if (role === TARGETS) throw unknownRole(role, 'invalid delegation role name');
  const parent = parentRole(role);
  await requireKeys(draft, parent, options.keys);
  const present = draft.targets(parent)?.delegations.roles.find(({ name }) => name === role);
  if (change.action === 'delete') {
    if (present !== undefined) removeDelegation(draft, role, options.now);
    return;
  }
  const { clearPaths, ...content } = decodeDelegationContent(change);
  // paths alone make no role: nobody could sign it
  if (present === undefined && content.addKeys?.length === 0)
    throw unknownRole(role, change.action === 'create' ? '' : 'delegation does not exist');
  const edit = clearPaths ? { ...content, removePaths: present?.paths ?? [] } : content;
  changePermitted(draft, role, options.now, edit);
}

function changePermitted(draft: Draft, role: RoleName, now: Date, change: DelegationChange): void {
  try {
    changeDelegation(draft, role, now, change);
  } catch (cause) {
    if (!(cause instanceof MetadataError) || cause.code !== 'outside-paths') throw cause;
    throw new ChangelistError('outside-paths', `tuf: invalid role ${role}. invalid paths to add to role`, {
      role,
      cause,
    });
  }
}

async function purge(draft: Draft, change: Change, { keys, now }: ApplyOptions): Promise<void> {
  const under = wildcardParent(change.role);
  const { removeKeys = [] } = decodeDelegationContent(change);
  try {
    await purgeKeys(draft, keys, now, removeKeys, under);
  } catch (error) {
    // a key that no delegation has is purged already
    if (!(error instanceof PublishError) || error.code !== 'not-signed') throw error;
  }
}

/** `targets/a` of `targets/a/*`. */
function wildcardParent(role: string): RoleName | undefined {
  const parent = role.endsWith('/*') ? role.slice(0, -2) : undefined;
  return parent === TARGETS || (parent !== undefined && isDelegationName(parent)) ? (parent as RoleName) : undefined;
}

async function witness(draft: Draft, role: RoleName, { dialect, now }: ApplyOptions): Promise<void> {
  const authority = draft.authority(role)?.role;
  if (authority === undefined) throw unknownRole(role, 'this role is not known');
  if (authority.keyIds.length < authority.threshold)
    throw unknownRole(role, 'role does not specify enough valid signing keys to meet its required threshold');
  if (!draft.witness(role, dialect, now)) throw unknownRole(role, 'this role is not known');
}

/** At least one key of the role must be at hand before anything is changed in it. */
async function requireKeys(draft: Draft, role: RoleName, keys: SigningKeys): Promise<void> {
  const authority = draft.authority(role);
  if (authority === undefined) throw unknownRole(role, 'delegation does not exist');
  if ((await keysAtHand(keys, authority)).size > 0) return;
  const keyIds = authority.role.keyIds.flatMap((id) => canonicalIdOf(authority.keys.get(id)) ?? []);
  const message = `could not find necessary signing keys, at least one of these keys must be available: ${keyIds.join(', ')}`;
  throw new PublishError('no-signing-key', message, { roles: [role], keyIds });
}

function pathsOf(draft: Draft, role: RoleName): readonly string[] {
  if (role === TARGETS) return [''];
  const delegations = draft.targets(parentRole(role))?.delegations.roles;
  return delegations?.find(({ name }) => name === role)?.paths ?? [];
}

function unknownRole(role: RoleName, reason: string): ChangelistError {
  return new ChangelistError('unknown-role', `tuf: invalid role ${role}.${reason === '' ? '' : ` ${reason}`}`, {
    role,
  });
}
