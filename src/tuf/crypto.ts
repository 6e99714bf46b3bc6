// SPDX-License-Identifier: Apache-2.0

import type { KeyObject } from 'node:crypto';
import { constants, createHash, sign, verify } from 'node:crypto';
import { type PublicKey, type VerifyingKey, verifyingKey } from './keys.ts';
import { KnownSignatures } from './known-signatures.ts';
import type { HashAlgorithm, Signature } from './metadata.ts';
import { MetadataError } from './metadata-error.ts';
import type { KeyAlgorithm, Scheme } from './schemes.ts';

/** The `method` that is written for a key's signatures (reference 2.7). */
export const SIGNATURE_METHODS: Readonly<Record<KeyAlgorithm, string>> = {
  ecdsa: 'ecdsa',
  rsa: 'rsapss',
  ed25519: 'eddsa',
};

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const;
const PKCS1 = { padding: constants.RSA_PKCS1_PADDING } as const;

/** Of this process: what it holds is true wherever it is asked for. */
const known = new KnownSignatures();

/**
 * Whether `signature` is one of `key` over `message`. The algorithm follows from the key; a `method` that does not fit
 * the key makes the signature count for nothing (S1, CVE-2015-9258).
 */
export function isSignatureValid(key: PublicKey, message: Uint8Array, signature: Signature): boolean {
  try {
    const verifying = verifyingKey(key);
    const way = wayOf(verifying, key, signature);
    if (way === undefined) return false;
    const { algorithm, digest, options } = way;
    const check = { fingerprint: verifying.fingerprint, algorithm, message, signature: signature.bytes };
    return known.isValid(check, () => verify(digest, message, { key: verifying.object, ...options }, signature.bytes));
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

/** How a signature is verified. */
interface Way {
  /** Tells this way from every other. */
  readonly algorithm: string;
  readonly digest: Scheme['digest'];
  readonly options: Scheme['verifying'] | { readonly dsaEncoding: 'ieee-p1363' };
}

const ECDSA: Way = { algorithm: 'ecdsa', digest: 'sha256', options: { dsaEncoding: 'ieee-p1363' } };
const ED25519: Way = { algorithm: 'eddsa', digest: null, options: {} };
const RSA: ReadonlyMap<string, Way> = new Map([
  ['rsapss', { algorithm: 'rsapss', digest: 'sha256', options: PSS }],
  ['rsapkcs1v15', { algorithm: 'rsapkcs1v15', digest: 'sha256', options: PKCS1 }],
]);

/** `undefined` where the signature cannot be one of this key, whatever it is over. */
function wayOf({ algorithm, coordinate, scheme }: VerifyingKey, key: PublicKey, signature: Signature): Way | undefined {
  if (scheme !== undefined)
    return { algorithm: `scheme ${key.scheme}`, digest: scheme.digest, options: scheme.verifying };
  const method = signature.method.toLowerCase();
  switch (algorithm) {
    case 'ecdsa':
      // r‖s of fixed length; DER would let one signature have several spellings
      return method === 'ecdsa' && signature.bytes.length === 2 * coordinate ? ECDSA : undefined;
    case 'ed25519':
      return method === 'eddsa' && signature.bytes.length === 64 ? ED25519 : undefined;
    case 'rsa':
      return RSA.get(method);
    default:
      return algorithm satisfies never;
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

export function hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(algorithm).update(bytes).digest());
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
