// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DecodeError, decodePem, decodeUtf8, type PemBlock } from '../../../encoding/index.ts';
import { newKey, rootCertificatesFor, type SigningKeys } from '../../../publisher/index.ts';
import { KeyStoreError } from '../../../signing/index.ts';
import {
  bareKey,
  certificateKey,
  type Gun,
  type KeyId,
  MetadataError,
  notaryV1,
  type PublicKey,
  type Root,
  verifyingKey,
} from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { chosenKey } from './chosen-keys.ts';
import { storedFrom } from './import.ts';

/** The roles whose keys a publisher holds. */
export type PublisherRole = 'root' | 'targets' | 'snapshot';

const MAX_PUBLIC_FILE = 1024 * 1024;

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
  const file = isFile(text) ? readPublic(text) : undefined;
  if (file !== undefined) return foreignKey(file, role, text);
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

/** The one block of a file of a public key or certificate; undefined if it holds private keys. */
function readPublic(path: string): PemBlock | undefined {
  if (statSync(path).size > MAX_PUBLIC_FILE) throw unusable(path, 'it is too long for a key');
  try {
    const blocks = decodePem(decodeUtf8(new Uint8Array(readFileSync(path))));
    return blocks.find(({ label }) => label === 'PUBLIC KEY' || label === 'CERTIFICATE');
  } catch (cause) {
    if (cause instanceof DecodeError) throw unusable(path, 'it is no PEM file', cause);
    throw cause;
  }
}

/** A key whose private half somebody else has. */
function foreignKey({ label, bytes }: PemBlock, role: PublisherRole, path: string): PublicKey {
  try {
    if (label === 'CERTIFICATE') {
      const key = certificateKey(bytes);
      verifyingKey(key);
      return role === 'root' ? key : bareKey(key);
    }
    if (role === 'root')
      throw unusable(path, 'a root key of somebody else must come as a certificate for the repository');
    const key = { type: 'ecdsa', bytes };
    const { algorithm } = verifyingKey({ ...key, type: isRsa(bytes) ? 'rsa' : 'ecdsa' });
    return { ...key, type: algorithm };
  } catch (cause) {
    if (cause instanceof MetadataError) throw unusable(path, cause.message, cause);
    throw cause;
  }
}

const RSA_OID = Buffer.from('2a864886f70d010101', 'hex');

function isRsa(spki: Uint8Array): boolean {
  return Buffer.from(spki.subarray(0, 32)).includes(RSA_OID);
}

function unusable(path: string, why: string, cause?: unknown): KeyStoreError {
  return new KeyStoreError('unsupported', `cannot use ${path}: ${why}`, {
    path,
    ...(cause === undefined ? {} : { cause }),
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
