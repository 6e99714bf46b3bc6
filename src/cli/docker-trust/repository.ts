// SPDX-License-Identifier: Apache-2.0
import type { TrustedRepository } from '../../client/index.ts';
import { VerificationError } from '../../tuf/index.ts';
import type { OnNewRepository, Session } from '../session.ts';
import { TrustCommandError } from './errors.ts';

/** The repository as it is trusted now; `undefined` if the server has never heard of it. @throws VerificationError, DownloadError */
export async function existingRepository(session: Session): Promise<TrustedRepository | undefined> {
  try {
    return await session.refresh('pull,push');
  } catch (error) {
    if (error instanceof VerificationError && error.code === 'unsigned' && error.role === 'root') return undefined;
    throw error;
  }
}

/** For commands that change what there is: no key is made for a repository that does not exist. */
export function refuseNewRepository(session: Session): OnNewRepository {
  return () => Promise.reject(noTrustData(session));
}

export function noTrustData({ gun, server }: Session): TrustCommandError {
  return new TrustCommandError(`${new URL(server).host} does not have trust data for ${gun}`);
}
