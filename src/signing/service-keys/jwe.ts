// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, errors } from 'jose';
import { ServiceKeyError } from './errors.ts';

/** How Notary's signer encrypts a key at rest (reference 7.4); the values of its columns too. */
export const KEYWRAP_ALGORITHM = 'PBES2-HS256+A128KW';
export const ENCRYPTION_ALGORITHM = 'A256GCM';

const ROUNDS = 8192;
const SALT_BYTES = 12;
/** A row must not be able to keep the signer busy for minutes. */
const MAX_ROUNDS = 1_000_000;

/** Encrypts a key as a compact JWE that Notary's signer opens. The caller wipes `plain`. */
export async function wrapKey(plain: Uint8Array, passphrase: string): Promise<string> {
  return new CompactEncrypt(plain)
    .setProtectedHeader({ alg: KEYWRAP_ALGORITHM, enc: ENCRYPTION_ALGORITHM })
    .setKeyManagementParameters({ p2c: ROUNDS, p2s: new Uint8Array(randomBytes(SALT_BYTES)) })
    .encrypt(Buffer.from(passphrase, 'utf8'));
}

/** Opens what {@link wrapKey} or Notary's signer wrote. The caller wipes the result. @throws ServiceKeyError */
export async function unwrapKey(jwe: string, passphrase: string): Promise<Uint8Array> {
  try {
    const { plaintext } = await compactDecrypt(jwe, Buffer.from(passphrase, 'utf8'), {
      keyManagementAlgorithms: [KEYWRAP_ALGORITHM],
      contentEncryptionAlgorithms: [ENCRYPTION_ALGORITHM],
      maxPBES2Count: MAX_ROUNDS,
    });
    return plaintext;
  } catch (cause) {
    if (cause instanceof errors.JWEDecryptionFailed) {
      throw new ServiceKeyError('wrong-passphrase', 'wrong passphrase or damaged key', { cause });
    }
    throw new ServiceKeyError('malformed', 'damaged or foreign encryption of a stored key', { cause });
  }
}
