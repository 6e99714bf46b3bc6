// SPDX-License-Identifier: Apache-2.0
import type { KeyInfo } from '../../../signing/index.ts';
import { type KeyOwner, KeyStoreError, ROLES_OF_ONE_GUN } from '../../../signing/index.ts';
import { type Gun, MetadataError, parseGun } from '../../../tuf/index.ts';
import { UsageError } from '../../usage-error.ts';

const ID = /^[0-9a-f]{7,64}$/;

/** The key that a user means by its ID, or by a beginning of at least seven digits. */
export function chosenKey(keys: readonly KeyInfo[], text: string): KeyInfo {
  if (!ID.test(text)) throw new UsageError(`${JSON.stringify(text)} is no key ID: it has 64 hex digits, or 7 at least`);
  const [found, ...others] = keys.filter(({ keyId }) => keyId.startsWith(text));
  if (found === undefined)
    throw new KeyStoreError('not-found', `no private key ${text}`, {
      remedy: 'see the keys there are: hallmark key list',
    });
  if (others.length > 0) throw new UsageError(`several keys begin with ${text}: give more digits`);
  return found;
}

const SIGNER = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,254}$/;

/** What a key is for, as options say it. @throws UsageError */
export function ownerOf(role: string, gun: string | undefined): KeyOwner {
  if (role === 'timestamp') throw new UsageError('the trust server makes and keeps the timestamp key');
  if (!SIGNER.test(role)) throw new UsageError(`${JSON.stringify(role)} is neither a role nor the name of a signer`);
  if (!ROLES_OF_ONE_GUN.includes(role)) {
    if (gun !== undefined)
      throw new UsageError('--gun belongs to targets and snapshot keys: others serve any repository');
    return { role };
  }
  if (gun === undefined) throw new UsageError(`a ${role} key belongs to one repository: name it with --gun`);
  return { role, gun: parsedGun(gun) };
}

/** @throws UsageError */
export function parsedGun(text: string): Gun {
  try {
    return parseGun(text);
  } catch (error) {
    if (error instanceof MetadataError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** A key as commands tell it in one line. */
export function describeKey({ role, gun, keyId }: Pick<KeyInfo, 'role' | 'gun' | 'keyId'>): string {
  return `${role ?? 'delegation'} key ${keyId}${gun === undefined ? '' : ` of ${gun}`}`;
}
