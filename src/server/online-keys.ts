// SPDX-License-Identifier: Apache-2.0
import type { Signer } from '../signing/index.ts';
import { RemoteSignerError } from '../signing/protocol/index.ts';
import { ServiceKeyError, type ServiceKeys } from '../signing/service-keys/index.ts';
import {
  canonicalIdOf,
  canonicalKeyId,
  type Gun,
  type KeyId,
  notaryV1,
  type PublicKey,
  type Root,
  SIGNATURE_METHODS,
  type Signature,
  type Signed,
  type SNAPSHOT,
  type TIMESTAMP,
  verifyingKey,
} from '../tuf/index.ts';

/** The roles that a server can sign for. */
export type OnlineRole = typeof SNAPSHOT | typeof TIMESTAMP;

/**
 * The keys of `role` that this server holds, in the root's order. A key counts only for the GUN and role that it was
 * made for: else whoever may publish one GUN could list another's keys, and have this server sign in its name. Notary's
 * signer does not tell the GUN of a key, and its first versions noted neither GUN nor role: what is not known cannot be
 * held against the root (docs/signing-service.md).
 */
export async function heldKeys(
  keys: Pick<ServiceKeys, 'info'>,
  gun: Gun,
  role: OnlineRole,
  root: Root,
): Promise<ReadonlyMap<KeyId, PublicKey>> {
  const held = new Map<KeyId, PublicKey>();
  for (const id of root.roles.get(role)?.keyIds ?? []) {
    const canonical = canonicalIdOf(root.keys.get(id));
    const info = canonical && (await keys.info(canonical));
    if (info !== undefined && (info.gun ?? gun) === gun && (info.role ?? role) === role) held.set(id, info.key);
  }
  return held;
}

/** The file that says `signed`, signed by each of `held`. @throws ServiceKeyError */
export async function signOnline(
  keys: ServiceKeys,
  held: ReadonlyMap<KeyId, PublicKey>,
  signed: Signed,
): Promise<Uint8Array> {
  const signedBytes = notaryV1.encodeSigned(signed);
  const signatures: Signature[] = [];
  for (const [keyId, key] of held) {
    const signer: Signer | undefined = await keys.signer(canonicalKeyId(key));
    if (signer === undefined) throw new ServiceKeyError('not-found', `signing key ${keyId} is gone`);
    const method = SIGNATURE_METHODS[verifyingKey(key).algorithm];
    signatures.push({ keyId, method, bytes: await signer.sign(signedBytes) });
  }
  return notaryV1.encode({ signedBytes, signatures });
}

/**
 * Whether a signature was refused since the world has moved on: the key signed a newer version for another replica, or
 * was removed. What was to be signed is made anew then, on top of what is stored now.
 */
export function isOvertaken(error: unknown): boolean {
  if (error instanceof RemoteSignerError) return error.code === 'stale-version';
  return error instanceof ServiceKeyError && error.code === 'not-found';
}
