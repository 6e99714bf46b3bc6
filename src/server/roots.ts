// SPDX-License-Identifier: Apache-2.0
import { type Root, TrustedRoot, type UpdateContext, usableKeys } from '../tuf/index.ts';
import { TrustProblem } from './problems.ts';
import { UpdateRefusal } from './refusals.ts';
import type { MetadataFile } from './storage/index.ts';
import type { Upload } from './uploads.ts';

/** A user's pin is the user's affair: the server takes whatever first root a GUN is given (reference 6.5, step 7). */
const ANY_KEY = { admits: () => true };

/**
 * The root that holds after the update (reference 6.5, steps 5 to 8): the stored one, its successor, or a first one.
 * @throws TrustProblem `VERSION`, UpdateRefusal, VerificationError
 */
export function acceptRoot(
  stored: MetadataFile | undefined,
  upload: Upload | undefined,
  context: UpdateContext,
): TrustedRoot {
  const trusted = stored && TrustedRoot.load(stored.bytes, context);
  if (upload === undefined) {
    if (trusted !== undefined) return trusted;
    throw new UpdateRefusal('ErrValidation', 'no pre-existing root and no root provided in update.');
  }
  checkRootVersion(upload.signed.version, trusted?.signed.version);
  checkThresholds(upload.signed as Root);
  const root = trusted?.updateRoot(upload.bytes) ?? TrustedRoot.bootstrap(upload.bytes, context, ANY_KEY);
  root.assertCurrent();
  return root;
}

/** Clients of Notary publish their first root as version 1 or 2; from then on each is one above the last (S18). */
function checkRootVersion(version: number, stored: number | undefined): void {
  if (version === stored) throw new TrustProblem('VERSION', {});
  const [current, lowest] = stored === undefined ? [1, 1] : [stored, stored + 1];
  if (version < lowest || version > current + 1) {
    throw new UpdateRefusal(
      'ErrBadRoot',
      `Root modifications must increment the version. Current ${current}, new ${version}`,
    );
  }
}

/** S9: a threshold that the role's keys can never reach locks everybody out. */
function checkThresholds(root: Root): void {
  for (const [role, keys] of root.roles) {
    const usable = usableKeys(keys.keyIds, root.keys);
    if (keys.threshold > usable) {
      throw new UpdateRefusal('ErrBadRoot', `${role} needs ${keys.threshold} signatures and has ${usable} usable keys`);
    }
  }
}
