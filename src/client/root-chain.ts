// SPDX-License-Identifier: Apache-2.0
import { ROOT, type TrustedRoot, VerificationError, type Version } from '../tuf/index.ts';
import { MAX_ROOT_UPDATES } from './limits.ts';

/**
 * 5.3: the successors of `root`, one version after the other until `fetchRoot` has no next.
 * @throws VerificationError `root-chain` one is not authorised by the one before it, or there is no end of them
 */
export async function* newerRoots(
  root: TrustedRoot,
  fetchRoot: (version: Version) => Promise<Uint8Array | undefined>,
): AsyncGenerator<TrustedRoot, void> {
  let newest = root;
  for (let updates = 0; updates < MAX_ROOT_UPDATES; updates++) {
    const file = await fetchRoot((newest.signed.version + 1) as Version);
    if (file === undefined) return;
    newest = newest.updateRoot(file);
    yield newest;
  }
  throw new VerificationError('root-chain', ROOT, `more than ${MAX_ROOT_UPDATES} new roots at once`);
}
