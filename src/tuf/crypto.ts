// SPDX-License-Identifier: Apache-2.0

import type { KeyObject } from 'node:crypto';
import { constants, createHash, sign, verify } from 'node:crypto';
import { MetadataError } from './errors.ts';
import { type KeyAlgorithm, type PublicKey, verifyingKey } from './keys.ts';
import type { HashAlgorithm, Signature } from './metadata.ts';
import { SCHEMES } from './schemes.ts';

/** The `method` that is written for a key's signatures (reference 2.7). */
export const SIGNATURE_METHODS: Readonly<Record<KeyAlgorithm, string>> = {
  ecdsa: 'ecdsa',
  rsa: 'rsapss',
  ed25519: 'eddsa',
};

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const;
const PKCS1 = { padding: constants.RSA_PKCS1_PADDING } as const;

/**
 * Whether `signature` is one of `key` over `message`. The algorithm follows from the key; a `method` that does not fit
 * the key makes the signature count for nothing (S1, CVE-2015-9258).
 */
export function isSignatureValid(key: PublicKey, message: Uint8Array, signature: Signature): boolean {
  try {
    const { algorithm, object, coordinate, scheme } = verifyingKey(key);
    if (scheme !== undefined)
      return verify(scheme.digest, message, { key: object, ...scheme.verifying }, signature.bytes);
    const method = signature.method.toLowerCase();
    switch (algorithm) {
      case 'ecdsa':
        // r‖s of fixed length; DER would let one signature have several spellings
        if (method !== 'ecdsa' || signature.bytes.length !== 2 * coordinate) return false;
        return verify('sha256', message, { key: object, dsaEncoding: 'ieee-p1363' }, signature.bytes);
      case 'ed25519':
        return method === 'eddsa' && signature.bytes.length === 64 && verify(null, message, object, signature.bytes);
      case 'rsa': {
        const padding = method === 'rsapss' ? PSS : method === 'rsapkcs1v15' ? PKCS1 : undefined;
        return padding !== undefined && verify('sha256', message, { key: object, ...padding }, signature.bytes);
      }
      default:
        return algorithm satisfies never;
    }
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

/** Signs `message` as reference 2.7 says: ECDSA r‖s with SHA-256, RSA-PSS with a salt of 32 bytes, or Ed25519. */
export function signBytes(algorithm: KeyAlgorithm, key: KeyObject, message: Uint8Array): Uint8Array {
  switch (algorithm) {
    case 'ecdsa':
      return new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
    case 'rsa':
      return new Uint8Array(sign('sha256', message, { key, ...PSS }));
    case 'ed25519':
      return new Uint8Array(sign(null, message, key));
    default:
      return algorithm satisfies never;
  }
}

/** Signs `message` as the key's own scheme says. @throws MetadataError `unsupported-key` */
export function signByScheme(scheme: string, key: KeyObject, message: Uint8Array): Uint8Array {
  const found = SCHEMES.get(scheme);
  if (found === undefined) throw new MetadataError('unsupported-key', `unknown scheme ${scheme}`);
  return new Uint8Array(sign(found.digest, message, { key, ...found.signing }));
}

export function hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(algorithm).update(bytes).digest());
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
