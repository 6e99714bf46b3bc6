// SPDX-License-Identifier: Apache-2.0
/**
 * Publishing: edit the next version of a repository, sign it with the keys at hand, verify the result as a client would,
 * send it, and start anew from the server's state if somebody was faster. It never sends what it did not verify.
 *
 *     const publisher = new Publisher({ gun, dialect: notaryV1, keys: { store, passphrases }, server, refresh, clock });
 *     await publisher.sign('v1', dockerTarget(sha256, length));
 *     await publisher.revoke('v1');
 */

export * from './changelist.ts';
export * from './changelist-apply.ts';
export * from './changelist-content.ts';
export * from './changelist-directory.ts';
export * from './delegations.ts';
export { Draft, type DraftBase } from './draft.ts';
export * from './errors.ts';
export { type InitializeOptions, initializeRepository, newKey } from './initialize.ts';
export * from './publisher.ts';
export * from './publishing.ts';
export * from './remap.ts';
export type { KeysChange, RoleChange, TagChange } from './role-change.ts';
export * from './rotation.ts';
export type { Authority, PendingFile, SigningKeys } from './sign-role.ts';
export * from './staged-edits.ts';
export type { StagedReview } from './staged-review.ts';
export {
  decodeStagedUpdate,
  encodeStagedUpdate,
  MAX_STAGED_BYTES,
  type StagedFile,
  type StagedUpdate,
} from './staged-update.ts';
export * from './staging.ts';
export { addTarget, dockerSigningRoles, signableRoles } from './tags.ts';
export * from './trust-server.ts';
export * from './unpublished.ts';
