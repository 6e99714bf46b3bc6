// SPDX-License-Identifier: Apache-2.0
import type { KeyStore, Passphrases } from '../signing/index.ts';
import {
  canonicalKeyId,
  type Dialect,
  type KeyId,
  MetadataError,
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

/** The keys of a role that are at hand, by the ID they have in metadata. */
export async function keysAtHand(
  keys: SigningKeys,
  listed: ReadonlyMap<KeyId, PublicKey>,
  role: RoleKeys,
): Promise<ReadonlyMap<KeyId, KeyId>> {
  const stored = new Set((await keys.store.list()).keys.map(({ keyId }) => keyId));
  const found = new Map<KeyId, KeyId>();
  for (const id of role.keyIds) {
    const canonical = canonicalIdOf(listed.get(id));
    if (canonical !== undefined && stored.has(canonical)) found.set(id, canonical);
  }
  return found;
}

function canonicalIdOf(key: PublicKey | undefined): KeyId | undefined {
  try {
    return key && canonicalKeyId(key);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/**
 * Signs with every key of the role that is at hand, and judges the result by the very check that clients use, before
 * anybody sees it.
 * @throws PublishError `no-signing-key` if those keys do not reach the threshold
 * @throws KeyStoreError a key cannot be opened
 */
export async function signRole(
  dialect: Dialect,
  keys: SigningKeys,
  role: RoleName,
  signed: Signed,
  listed: ReadonlyMap<KeyId, PublicKey>,
  authority: RoleKeys,
): Promise<Uint8Array> {
  const signedBytes = dialect.encodeSigned(signed);
  const available = await keysAtHand(keys, listed, authority);
  if (available.size < authority.threshold) {
    const needed = authority.keyIds.flatMap((id) => canonicalIdOf(listed.get(id)) ?? []);
    throw new PublishError(
      'no-signing-key',
      `signing keys of ${role} not available: need ${authority.threshold} of ${needed.join(', ') || 'no keys'}, have ${available.size}`,
      { roles: [role], keyIds: needed },
    );
  }
  const signatures: Signature[] = [];
  for (const [id, canonical] of available) {
    const signer = await keys.store.get(canonical, keys.passphrases);
    const method = SIGNATURE_METHODS[verifyingKey(signer.key).algorithm];
    signatures.push({ keyId: id, method, bytes: await signer.sign(signedBytes) });
  }
  const file = dialect.encode({ signedBytes, signatures });
  verifyRole(role, dialect.decode(signed.type, file), listed, authority);
  dialect.assertCanonicalFile(signed.type, file);
  return file;
}
