// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { decodeUtf8, encodePem } from '../../../encoding/index.ts';
import { MetadataError } from '../../errors.ts';
import { certificates, type PublicKey, verifyingKey } from '../../keys.ts';
import type { Root } from '../../metadata.ts';
import type { Gun, KeyId } from '../../names.ts';
import { readCertificate } from './certificate.ts';

const DAY = 86_400_000;

/**
 * The certificates of the root role that may speak for `gun` (reference 3.1): one leaf, first in its chain, whose
 * common name is the GUN or a prefix of it that ends in `*`, not signed with SHA-1, an RSA key of at least 2048 bits,
 * and, when `at` is given, valid then (a start of up to one day ahead is let pass as a clock's error).
 *
 * The name binds a root to its GUN: metadata of one GUN is refused under another. A bare key is no root key.
 */
export function rootKeys(root: Root, gun: Gun, at?: Date): ReadonlyMap<KeyId, PublicKey> {
  const usable = new Map<KeyId, PublicKey>();
  for (const id of root.roles.get('root')?.keyIds ?? []) {
    const key = root.keys.get(id);
    if (key !== undefined && isUsable(key, gun, at)) usable.set(id, key);
  }
  return usable;
}

function isUsable(key: PublicKey, gun: Gun, at: Date | undefined): boolean {
  if (!key.type.endsWith('-x509')) return false;
  try {
    verifyingKey(key);
    const chain = certificates(key);
    const leaf = chain[0] as X509Certificate;
    if (leaf.ca || !chain.slice(1).every((certificate) => certificate.ca)) return false;
    if (chain.map(pem).join('') !== decodeUtf8(key.bytes)) return false;
    const { commonName, notBefore, notAfter, strongSignature } = readCertificate(new Uint8Array(leaf.raw));
    if (!strongSignature || !namesGun(commonName, gun)) return false;
    return at === undefined || (notBefore.getTime() <= at.getTime() + DAY && at.getTime() <= notAfter.getTime());
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

function pem(certificate: X509Certificate): string {
  return encodePem({ label: 'CERTIFICATE', headers: new Map(), bytes: new Uint8Array(certificate.raw) });
}

function namesGun(commonName: string, gun: Gun): boolean {
  return commonName === gun || (commonName.endsWith('*') && gun.startsWith(commonName.replace(/\*+$/, '')));
}
