// SPDX-License-Identifier: Apache-2.0
import { changeDelegation, newKey, type SigningKeys } from '../../publisher/index.ts';
import { isDelegationName, type PublicKey } from '../../tuf/index.ts';
import type { Session } from '../session.ts';
import type { Opened, TrustContext } from './context.ts';
import { TrustCommandError, wrapped } from './errors.ts';
import { RELEASES, signerRole } from './signers.ts';

/**
 * Makes the repository of a first `sign`: the one signer is named after the registry's user, as with Docker. Without a
 * name nothing is made; Docker has made and stored two keys before it finds out.
 */
export async function initializeWithSigner({ io }: TrustContext, { session }: Opened, text: string): Promise<void> {
  const user = await registryUser(session);
  const role = user === '' ? 'targets' : signerRole(user);
  if (!isDelegationName(role)) {
    throw new TrustCommandError(
      `could not add signer to repo: ${role}: tuf: invalid role ${role}. invalid delegation role name`,
      { hint: 'the signer is named after the user of the registry: docker login, or docker trust signer add' },
    );
  }
  if (role === RELEASES) throw new TrustCommandError('releases is a reserved keyword, use a different signer name');
  try {
    await session.publisher().publish(async (draft, now) => {
      if (!draft.isNew) throw new TrustCommandError(`somebody else has just made the repository of ${text}: run again`);
      const key = await signersKey(session.keys, user);
      for (const name of [signerRole(user), RELEASES])
        changeDelegation(draft, name, now, { addKeys: [key], addPaths: [''] });
    });
  } catch (error) {
    throw wrapped(`could not initialize ${text}`, error, session.gun);
  }
  io.stdout.write(`Created signer: ${user}\nFinished initializing signed repository for ${text}\n`);
}

async function registryUser(session: Session): Promise<string> {
  const credentials = await session.credentials();
  return credentials?.kind === 'basic' ? credentials.username : '';
}

/** A key that this signer has already, else a new one. */
async function signersKey(keys: SigningKeys, name: string): Promise<PublicKey> {
  const existing = (await keys.store.list()).keys.find(({ role, gun }) => role === name && gun === undefined);
  const { key } = await (existing === undefined
    ? newKey(keys, name)
    : keys.store.get(existing.keyId, keys.passphrases));
  return key;
}
