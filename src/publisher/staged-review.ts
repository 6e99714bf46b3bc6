// SPDX-License-Identifier: Apache-2.0
import {
  type Dialect,
  type Gun,
  type KeyId,
  MetadataError,
  ROOT,
  type RoleName,
  type Root,
  TARGETS,
  type Targets,
} from '../tuf/index.ts';
import type { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { type RoleChange, rootChange, targetsChange } from './role-change.ts';
import {
  addSignatures,
  completeFile,
  missingSignatures,
  type PendingFile,
  type SigningKeys,
  signersOf,
  withValidSignatures,
} from './sign-role.ts';
import { decodeForSigning } from './sound-metadata.ts';
import type { StagedFile, StagedUpdate } from './staged-update.ts';

/** A staged file set against the repository as the reader trusts it: what it changes, who signed, who is missing. */
export interface StagedReview {
  /** With valid signatures alone. */
  readonly pending: PendingFile;
  readonly change: RoleChange;
  /** Canonical IDs of the keys that signed. */
  readonly signed: readonly KeyId[];
  /** For each authority that is not satisfied: how many signatures it lacks, and of which keys. */
  readonly missing: readonly { readonly needed: number; readonly keyIds: readonly KeyId[] }[];
}

/**
 * Puts a staged update onto a fresh draft. Each file must be the next version of what is trusted now: one that was
 * overtaken is refused, since nobody can publish it any more, and none can jump ahead (S3).
 * @throws PublishError `conflict`, `not-signed`; MetadataError; VerificationError the role's present file is not trusted
 */
export function applyStagedUpdate(
  { gun, files }: StagedUpdate,
  draft: Draft,
  dialect: Dialect,
  now: Date,
): readonly StagedReview[] {
  if (draft.isNew) throw new PublishError('not-signed', `${gun} has no trust data`);
  const changes = new Map<RoleName, RoleChange>();
  for (const file of files) changes.set(file.role, applyFile(file, draft, dialect, gun, now));
  dropOrphans(draft);
  for (const { role } of files)
    if (role !== ROOT && draft.authority(role) === undefined)
      throw new MetadataError('unknown-role', `${role} is staged, and nobody delegates to it`);
  return draft.pending(dialect).map((pending) => reviewOf(pending, files, changes, dialect));
}

function applyFile({ role, signedBytes }: StagedFile, draft: Draft, dialect: Dialect, gun: Gun, now: Date): RoleChange {
  const staged = decodeForSigning(role, signedBytes, dialect, gun, now);
  if (staged.type === 'root') return applyRoot(staged, draft, now);
  return applyTargets(role, staged, draft, dialect, now);
}

function applyTargets(role: RoleName, staged: Targets, draft: Draft, dialect: Dialect, now: Date): RoleChange {
  const present = draft.targets(role);
  // of a role that is refused the version alone counts: none of its content is trusted, so all of it is shown as new
  const isRefused = present === undefined && draft.witness(role, dialect, now);
  checkVersion(role, staged, isRefused ? draft.lastVersion(role) - 1 : draft.lastVersion(role));
  draft.edit(role, now, () => staged);
  return targetsChange(role, present, staged);
}

function applyRoot(staged: Root, draft: Draft, now: Date): RoleChange {
  const present = draft.root;
  checkVersion(ROOT, staged, present.version);
  if (staged.consistentSnapshot !== present.consistentSnapshot)
    throw new MetadataError('malformed', 'staged root changes how files are named');
  const used = new Set([...staged.roles.values()].flatMap(({ keyIds }) => keyIds));
  if ([...staged.keys.keys()].some((id) => !used.has(id) && !present.keys.has(id)))
    throw new MetadataError('malformed', 'staged root lists a key of no role');
  draft.editRoot(now, () => staged);
  return rootChange(ROOT, present, staged);
}

function checkVersion(role: RoleName, { version }: Root | Targets, present: number): void {
  if (version === present + 1) return;
  throw new PublishError(
    'conflict',
    `${role} ${version} was staged on another state: the repository has version ${present}`,
    { roles: [role] },
  );
}

/** A client-signed snapshot must not list what nobody delegates to any more. */
function dropOrphans(draft: Draft): void {
  for (const role of draft.roles) if (role !== TARGETS && draft.authority(role) === undefined) draft.dropRole(role);
}

function reviewOf(
  drafted: PendingFile,
  files: readonly StagedFile[],
  changes: ReadonlyMap<RoleName, RoleChange>,
  dialect: Dialect,
): StagedReview {
  const staged = files.find(({ role }) => role === drafted.role);
  const change = changes.get(drafted.role);
  if (staged === undefined || change === undefined) throw new Error(`${drafted.role} is drafted and not staged`);
  // the very bytes that travelled: the signatures cover them
  const pending = withValidSignatures({
    ...drafted,
    signedBytes: staged.signedBytes,
    signatures: staged.signatures,
  });
  return { pending, change, signed: signersOf(pending), missing: missingSignatures(dialect, pending) };
}

/** Adds the signatures of the keys at hand to what was reviewed. @throws KeyStoreError */
export async function cosignReviewed(
  gun: Gun,
  reviews: readonly StagedReview[],
  dialect: Dialect,
  keys: SigningKeys,
): Promise<{ readonly update: StagedUpdate; readonly reviews: readonly StagedReview[] }> {
  const signed: StagedReview[] = [];
  for (const review of reviews) {
    const pending = await addSignatures(keys, review.pending);
    signed.push({ ...review, pending, signed: signersOf(pending), missing: missingSignatures(dialect, pending) });
  }
  return { update: stagedUpdateOf(gun, signed), reviews: signed };
}

function stagedUpdateOf(gun: Gun, reviews: readonly StagedReview[]): StagedUpdate {
  const files = reviews.map(({ pending: { role, signedBytes, signatures } }) => ({ role, signedBytes, signatures }));
  return { gun, files };
}

/** The complete files of a staged update. @throws PublishError `no-signing-key` if a threshold is not reached */
export function completeStagedUpdate(
  reviews: readonly StagedReview[],
  dialect: Dialect,
): ReadonlyMap<RoleName, Uint8Array> {
  return new Map(reviews.map(({ pending }) => [pending.role, completeFile(dialect, pending)]));
}
