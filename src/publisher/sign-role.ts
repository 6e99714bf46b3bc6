// SPDX-License-Identifier: Apache-2.0
import type { KeyStore, Passphrases } from '../signing/index.ts';
import {
  canonicalIdOf,
  countSignatures,
  type Dialect,
  isSignatureValid,
  type KeyId,
  type PublicKey,
  type RoleKeys,
  type RoleName,
  SIGNATURE_METHODS,
  type Signature,
  type Signed,
  verifyingKey,
  verifyRole,
} from '../tuf/index.ts';
import { PublishError } from './errors.ts';

/** The private keys at hand and how to open them. */
export interface SigningKeys {
  readonly store: KeyStore;
  readonly passphrases: Passphrases;
}

/** Keys of which a threshold must sign. A new root has two: its predecessor's and its own. */
export interface Authority {
  readonly keys: ReadonlyMap<KeyId, PublicKey>;
  readonly role: RoleKeys;
}

/** The next file of a role, with the signatures that it has so far. */
export interface PendingFile {
  readonly role: RoleName;
  readonly kind: Signed['type'];
  readonly signedBytes: Uint8Array;
  readonly signatures: readonly Signature[];
  readonly authorities: readonly Authority[];
}

/**
 * The keys of an authority that are at hand: their IDs in metadata, and in the key store.
 * @throws KeyStoreError one of them is there, but its file cannot be used
 */
export async function keysAtHand(
  keys: SigningKeys,
  { keys: listed, role }: Authority,
): Promise<ReadonlyMap<KeyId, KeyId>> {
  const { keys: stored, problems } = await keys.store.list();
  const found = new Map<KeyId, KeyId>();
  for (const id of role.keyIds) {
    const canonical = canonicalIdOf(listed.get(id));
    if (canonical === undefined) continue;
    // the very key that is wanted lies there and cannot be used: to call it missing would hide why
    const problem = problems.find(({ keyId, path }) => keyId === canonical || path?.includes(canonical));
    if (problem !== undefined) throw problem;
    if (stored.some(({ keyId }) => keyId === canonical)) found.set(id, canonical);
  }
  return found;
}

/** The file with the signatures that count: one for each listed key, over these very bytes. */
export function withValidSignatures(file: PendingFile): PendingFile {
  const seen = new Set<KeyId>();
  const signatures = file.signatures.filter((signature) => {
    const valid = !seen.has(signature.keyId) && isByAuthority(file, signature);
    if (valid) seen.add(signature.keyId);
    return valid;
  });
  return { ...file, signatures };
}

function isByAuthority({ authorities, signedBytes }: PendingFile, signature: Signature): boolean {
  return authorities.some(({ keys, role }) => {
    const key = role.keyIds.includes(signature.keyId) ? keys.get(signature.keyId) : undefined;
    return key !== undefined && isSignatureValid(key, signedBytes, signature);
  });
}

/** The canonical IDs of the keys whose signatures a file carries. */
export function signersOf({ authorities, signatures }: PendingFile): readonly KeyId[] {
  const found = signatures.flatMap(({ keyId }) =>
    authorities.flatMap(({ keys }) => canonicalIdOf(keys.get(keyId)) ?? []),
  );
  return [...new Set(found)];
}

/**
 * Adds the signature of every key at hand that has not signed yet. Signatures that do not cover these bytes are dropped.
 * @throws KeyStoreError a key cannot be opened
 */
export async function addSignatures(keys: SigningKeys, file: PendingFile): Promise<PendingFile> {
  const signatures = [...withValidSignatures(file).signatures];
  for (const authority of file.authorities) {
    for (const [keyId, canonical] of await keysAtHand(keys, authority)) {
      if (signatures.some((signature) => signature.keyId === keyId)) continue;
      const signer = await keys.store.get(canonical, keys.passphrases);
      const method = SIGNATURE_METHODS[verifyingKey(signer.key).algorithm];
      signatures.push({ keyId, method, bytes: await signer.sign(file.signedBytes) });
    }
  }
  return { ...file, signatures };
}

/** Who has still to sign before each authority's threshold is reached; empty when the file is complete. */
export function missingSignatures(
  dialect: Dialect,
  file: PendingFile,
): readonly { readonly needed: number; readonly keyIds: readonly KeyId[] }[] {
  const envelope = dialect.decode(file.kind, dialect.encode(file));
  return file.authorities.flatMap(({ keys, role }) => {
    const { signed, missing, threshold } = countSignatures(envelope, keys, role);
    if (signed.length >= threshold) return [];
    return [{ needed: threshold - signed.length, keyIds: missing.flatMap((id) => canonicalIdOf(keys.get(id)) ?? []) }];
  });
}

/**
 * The bytes of a complete file, judged by the very check that clients use before anybody sees them.
 * @throws PublishError `no-signing-key` if a threshold is not reached
 */
export function completeFile(dialect: Dialect, file: PendingFile): Uint8Array {
  const [missing] = missingSignatures(dialect, file);
  if (missing !== undefined) {
    const one = missing.keyIds.join(', ') || 'no keys';
    throw new PublishError(
      'no-signing-key',
      `signing keys of ${file.role} not available: ${missing.needed} more of ${one} must sign`,
      {
        roles: [file.role],
        keyIds: missing.keyIds,
        needed: missing.needed,
      },
    );
  }
  const bytes = dialect.encode(file);
  const envelope = dialect.decodeCanonical(file.kind, bytes);
  for (const { keys, role } of file.authorities) verifyRole(file.role, envelope, keys, role);
  return bytes;
}
