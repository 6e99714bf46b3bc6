// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { decodeUtf8, encodePem } from '../../../encoding/index.ts';
import { BoundedMap } from '../../bounded-map.ts';
import { certificates, keyId, type PublicKey, verifyingKey } from '../../keys.ts';
import type { Root } from '../../metadata.ts';
import { MetadataError } from '../../metadata-error.ts';
import type { Gun, KeyId } from '../../names.ts';
import { type CertificateFields, readCertificate } from './certificate.ts';

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
  const certificate = certified.getOrMake(keyId(key), () => certifiedBy(key));
  if (certificate === undefined || !namesGun(certificate.commonName, gun)) return false;
  const { notBefore, notAfter } = certificate;
  return at === undefined || (notBefore.getTime() <= at.getTime() + DAY && at.getTime() <= notAfter.getTime());
}

/** By key ID, which covers every byte of the chain. GUN and moment are judged each time. */
const certified = new BoundedMap<KeyId, CertificateFields | undefined>(1024);

/** What the certificate of a root key says; `undefined` of a key that is none, for whatever GUN. */
function certifiedBy(key: PublicKey): CertificateFields | undefined {
  if (!key.type.endsWith('-x509')) return undefined;
  try {
    verifyingKey(key);
    const chain = certificates(key);
    const leaf = chain[0] as X509Certificate;
    if (leaf.ca || !chain.slice(1).every((certificate) => certificate.ca)) return undefined;
    if (chain.map(pem).join('') !== decodeUtf8(key.bytes)) return undefined;
    const fields = readCertificate(new Uint8Array(leaf.raw));
    return fields.strongSignature ? fields : undefined;
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

function pem(certificate: X509Certificate): string {
  return encodePem({ label: 'CERTIFICATE', headers: new Map(), bytes: new Uint8Array(certificate.raw) });
}

function namesGun(commonName: string, gun: Gun): boolean {
  return commonName === gun || (commonName.endsWith('*') && gun.startsWith(commonName.replace(/\*+$/, '')));
}
