// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { newKey, rootCertificatesFor, type SigningKeys } from '../../../publisher/index.ts';
import { KeyStoreError, PublicKeyFileError } from '../../../signing/index.ts';
import { bareKey, type Gun, type KeyId, notaryV1, type PublicKey, type Root } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { readPublicKeys } from '../../public-key-files.ts';
import { chosenKey } from './chosen-keys.ts';
import { storedFrom } from './import.ts';

/** The roles whose keys a publisher holds. */
export type PublisherRole = 'root' | 'targets' | 'snapshot';

/**
 * The public keys that a role is to have: of stored keys by ID, of private key files, which are imported, and of public
 * keys or certificates of others; a new key where none is given. Root keys come under certificates for the GUN.
 */
export async function keysFor(
  context: CommandContext,
  keys: SigningKeys,
  role: PublisherRole,
  gun: Gun,
  given: readonly string[],
): Promise<readonly PublicKey[]> {
  const now = context.io.now();
  if (given.length === 0) {
    const made = await newKey(keys, role, role === 'root' ? undefined : gun);
    return role === 'root' ? rootCertificatesFor([made], gun, now) : [made.key];
  }
  const found: PublicKey[] = [];
  for (const text of given) found.push(await keyOf(context, keys, role, gun, text));
  return found;
}

async function keyOf(
  context: CommandContext,
  keys: SigningKeys,
  role: PublisherRole,
  gun: Gun,
  text: string,
): Promise<PublicKey> {
  const foreign = isFile(text) ? await publicKeyIn(text, context.io.now()) : undefined;
  if (foreign !== undefined) return foreignKey(foreign, role, text);
  const keyId = isFile(text)
    ? await storedFrom(context, text, { role, gun: role === 'root' ? undefined : gun })
    : chosenKey((await keys.store.list()).keys, text).keyId;
  return ownKey(context, keys, role, gun, keyId);
}

async function ownKey(
  { io }: CommandContext,
  keys: SigningKeys,
  role: PublisherRole,
  gun: Gun,
  keyId: KeyId,
): Promise<PublicKey> {
  const signer = await keys.store.get(keyId, keys.passphrases);
  if (role !== 'root') return signer.key;
  const [certificate] = await rootCertificatesFor([signer], gun, io.now());
  return certificate as PublicKey;
}

function isFile(text: string): boolean {
  return existsSync(text) && statSync(text).isFile();
}

/** The public key or certificate of a file; undefined if it holds a private key. @throws PublicKeyFileError */
async function publicKeyIn(path: string, now: Date): Promise<PublicKey | undefined> {
  try {
    const [key] = await readPublicKeys([path], now);
    return key;
  } catch (error) {
    if (error instanceof PublicKeyFileError && error.code === 'private-key') return undefined;
    throw error;
  }
}

/** A key whose private half somebody else has. @throws KeyStoreError */
function foreignKey(key: PublicKey, role: PublisherRole, path: string): PublicKey {
  if (role !== 'root') return bareKey(key);
  if (key.type.endsWith('-x509')) return key;
  throw new KeyStoreError('unsupported', `cannot use ${path}: a root key of somebody else must come as a certificate`, {
    path,
    remedy: 'its owner makes one: hallmark key certificate GUN KEYID -o FILE',
  });
}

/** Whether clients will take every root key: its certificate must be for the GUN and valid now. @throws KeyStoreError */
export function checkRootKeys(root: Root, gun: Gun, now: Date): void {
  const usable = notaryV1.rootKeys(root, gun, now);
  const unfit = (root.roles.get('root')?.keyIds ?? []).find((id) => !usable.has(id));
  if (unfit !== undefined)
    throw new KeyStoreError('unsupported', `certificate ${unfit} is not one that clients take for ${gun} now`, {
      remedy: `it must have the common name ${gun} and be valid today`,
    });
}
