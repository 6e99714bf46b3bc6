// SPDX-License-Identifier: Apache-2.0
import { isSignatureValid } from './crypto.ts';
import { VerificationError } from './errors.ts';
import { type PublicKey, verifyingKey } from './keys.ts';
import type { Envelope, RoleKeys, Signed, Verified } from './metadata.ts';
import { MetadataError } from './metadata-error.ts';
import type { KeyId, RoleName } from './names.ts';

/** Who of a role's keys signed an envelope, and who did not. */
export interface SignatureCount {
  /** One entry for each distinct public key with a valid signature. */
  readonly signed: readonly KeyId[];
  readonly missing: readonly KeyId[];
  readonly threshold: number;
}

/**
 * The one threshold function: counts the distinct public keys of the role that signed these very bytes. Two key IDs of
 * one key, as with two certificates around it, count once (S15, CVE-2020-6174; S27), and so does a repeated signature.
 */
export function countSignatures(
  envelope: Envelope,
  keys: ReadonlyMap<KeyId, PublicKey>,
  role: RoleKeys,
): SignatureCount {
  const signed = new Map<string, KeyId>();
  for (const keyId of new Set(role.keyIds)) {
    const key = keys.get(keyId);
    const fingerprint = key && fingerprintOf(key);
    if (key === undefined || fingerprint === undefined || signed.has(fingerprint)) continue;
    const valid = envelope.signatures.some(
      (signature) => signature.keyId === keyId && isSignatureValid(key, envelope.signedBytes, signature),
    );
    if (valid) signed.set(fingerprint, keyId);
  }
  const found = [...signed.values()];
  return { signed: found, missing: role.keyIds.filter((id) => !found.includes(id)), threshold: role.threshold };
}

/**
 * The envelope's content, now trusted as `name`'s.
 * @throws VerificationError `threshold`
 */
export function verifyRole<T extends Signed>(
  name: RoleName,
  envelope: Envelope<T>,
  keys: ReadonlyMap<KeyId, PublicKey>,
  role: RoleKeys,
): Verified<T> {
  const count = countSignatures(envelope, keys, role);
  // S16: a threshold below one would make an unsigned file pass
  if (role.threshold < 1 || count.signed.length < role.threshold) {
    throw new VerificationError(
      'threshold',
      name,
      `${name} has ${count.signed.length} of ${role.threshold} signatures`,
      {
        expected: `${role.threshold} of ${role.keyIds.join(', ')}`,
        actual: count.signed.join(', ') || 'none',
      },
    );
  }
  return envelope.signed as Verified<T>;
}

/** How many signatures these keys can give at most: one key under two certificates gives one (S15), a useless one none. */
export function usableKeys(keyIds: readonly KeyId[], keys: ReadonlyMap<KeyId, PublicKey>): number {
  const fingerprints = keyIds.flatMap((id) => {
    const key = keys.get(id);
    return (key && fingerprintOf(key)) ?? [];
  });
  return new Set(fingerprints).size;
}

function fingerprintOf(key: PublicKey): string | undefined {
  try {
    return verifyingKey(key).fingerprint;
  } catch (error) {
    // a key that nobody can use takes no part in the count; the others still may reach the threshold
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}
