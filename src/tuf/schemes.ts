// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:crypto';

export type KeyAlgorithm = 'ecdsa' | 'rsa' | 'ed25519';

/** What a key's own `scheme` says of its signatures. */
export interface Scheme {
  readonly algorithm: KeyAlgorithm;
  /** Hash of the message; null where the algorithm has its own. */
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null;
  /** Bytes of one coordinate of the only curve that the scheme allows; 0 where there is none. */
  readonly coordinate: number;
  /** What `node:crypto` is told beside the key. */
  readonly verifying: { readonly padding?: number; readonly saltLength?: number; readonly dsaEncoding?: 'der' };
}

function ecdsa(digest: 'sha256' | 'sha384' | 'sha512', coordinate: number): Scheme {
  return { algorithm: 'ecdsa', digest, coordinate, verifying: { dsaEncoding: 'der' } };
}

/** Writers differ in the length of the salt: one takes the hash's, another the most that fits. */
function pss(digest: 'sha256' | 'sha384' | 'sha512'): Scheme {
  const verifying = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  return { algorithm: 'rsa', digest, coordinate: 0, verifying };
}

function pkcs1(digest: 'sha256' | 'sha384' | 'sha512'): Scheme {
  return { algorithm: 'rsa', digest, coordinate: 0, verifying: { padding: constants.RSA_PKCS1_PADDING } };
}

/** Every scheme that counts. A key under any other name is kept, and verifies nothing. */
export const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['ed25519', { algorithm: 'ed25519', digest: null, coordinate: 0, verifying: {} }],
  ['ecdsa-sha2-nistp256', ecdsa('sha256', 32)],
  ['ecdsa-sha2-nistp384', ecdsa('sha384', 48)],
  ['ecdsa-sha2-nistp521', ecdsa('sha512', 66)],
  ['rsassa-pss-sha256', pss('sha256')],
  ['rsassa-pss-sha384', pss('sha384')],
  ['rsassa-pss-sha512', pss('sha512')],
  ['rsa-pkcs1v15-sha256', pkcs1('sha256')],
  ['rsa-pkcs1v15-sha384', pkcs1('sha384')],
  ['rsa-pkcs1v15-sha512', pkcs1('sha512')],
]);
