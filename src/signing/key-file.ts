// SPDX-License-Identifier: Apache-2.0
import {
  DecodeError,
  DerTag,
  decodeDer,
  decodePem,
  decodeUtf8,
  encodePem,
  encodeUtf8,
  type PemBlock,
} from '../encoding/index.ts';
import { type Gun, MetadataError, parseGun } from '../tuf/index.ts';
import { PrivateKeyError } from './errors.ts';
import { type KeyForm, wipe } from './key-der.ts';
import { decryptPbes2, encryptPbes2 } from './pbes2.ts';
import { decryptPem, isPemEncrypted } from './pem-encryption.ts';
import { PrivateKey } from './private-key.ts';

/** What a key signs: a role, or a signer's name for a delegation key; a GUN for the keys of one repository. */
export interface KeyOwner {
  readonly role: string;
  readonly gun?: Gun | undefined;
}

/** One private key as PEM, closed: what its headers say, unproven, and the block itself. */
export interface KeyFile {
  readonly role: string | undefined;
  readonly gun: Gun | undefined;
  /** The base name in the store it was exported from; only exports have it. */
  readonly path: string | undefined;
  readonly encrypted: boolean;
  readonly block: PemBlock;
}

/** No key file is longer than a few KiB. */
export const MAX_KEY_FILE_BYTES = 64 * 1024;

const ENCRYPTED = 'ENCRYPTED PRIVATE KEY';
const FORMS: ReadonlyMap<string, KeyForm> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'ecdsa'],
  ['RSA PRIVATE KEY', 'rsa'],
  ['ED25519 PRIVATE KEY', 'ed25519'],
]);
/** OpenSSL puts such a block before an EC key; it says nothing that the key does not say. */
const CURVE_ONLY = 'EC PARAMETERS';
/** Roles whose keys serve one repository; the others serve any. */
export const ROLES_OF_ONE_GUN: readonly string[] = ['targets', 'snapshot', 'timestamp'];
/** Control characters would forge headers and terminal output. */
const ROLE = /^\P{Cc}{1,255}$/u;

/** Reads a file of exactly one private key. @throws PrivateKeyError `malformed` */
export function decodeKeyFile(file: Uint8Array): KeyFile {
  const [first, ...others] = decodeKeyFiles(file);
  if (first === undefined || others.length > 0) throw new PrivateKeyError('malformed', 'not a file of one private key');
  return first;
}

/** Reads all private keys of an export. @throws PrivateKeyError `malformed` */
export function decodeKeyFiles(file: Uint8Array): KeyFile[] {
  try {
    return decodePem(decodeUtf8(file))
      .filter((block) => block.label !== CURVE_ONLY)
      .map(describeBlock);
  } catch (cause) {
    if (cause instanceof DecodeError || cause instanceof MetadataError) {
      throw new PrivateKeyError('malformed', 'not a private key file', { cause });
    }
    throw cause;
  }
}

function describeBlock(block: PemBlock): KeyFile {
  if (block.label !== ENCRYPTED && !FORMS.has(block.label)) throw new DecodeError('PEM block is not a private key');
  const role = block.headers.get('role') || undefined;
  if (role !== undefined && !ROLE.test(role)) throw new DecodeError('bad role of private key');
  // exports of Notary before 0.4 name the GUN in the path alone: tuf_keys/<gun>/<id>
  const path = block.headers.get('path')?.split('/') ?? [];
  const gun = block.headers.get('gun') || (path[0] === 'tuf_keys' ? path.slice(1, -1).join('/') : '');
  return {
    role,
    gun: gun === '' ? undefined : parseGun(gun),
    path: path.at(-1) || undefined,
    encrypted: block.label === ENCRYPTED || isPemEncrypted(block),
    block,
  };
}

/** The file's text, byte for byte as Notary writes it. */
export function encodeKeyFile(file: KeyFile): Uint8Array {
  return encodeUtf8(encodePem(file.block));
}

/** The same key under other headers; a GUN stays only with roles whose keys belong to one repository. */
export function relabelKeyFile(file: KeyFile, owner: KeyOwner, path?: string): KeyFile {
  if (!ROLE.test(owner.role)) throw new PrivateKeyError('malformed', 'bad role of private key');
  const headers = new Map([...file.block.headers].filter(([name]) => !['role', 'gun', 'path'].includes(name)));
  const gun = ROLES_OF_ONE_GUN.includes(owner.role) ? owner.gun : undefined;
  headers.set('role', owner.role);
  if (gun !== undefined) headers.set('gun', gun);
  if (path !== undefined) headers.set('path', path);
  return { ...file, role: owner.role, gun, path, block: { ...file.block, headers } };
}

/** Encrypts a key for its file. @throws PrivateKeyError `passphrase-needed`: no key is written unencrypted */
export async function sealKey(key: PrivateKey, owner: KeyOwner, passphrase: string): Promise<KeyFile> {
  if (passphrase === '') throw new PrivateKeyError('passphrase-needed', 'a private key needs a passphrase');
  const plain = key.encode();
  try {
    const block: PemBlock = { label: ENCRYPTED, headers: new Map(), bytes: await encryptPbes2(plain, passphrase) };
    return relabelKeyFile({ role: undefined, gun: undefined, path: undefined, encrypted: true, block }, owner);
  } finally {
    wipe(plain);
  }
}

/**
 * Opens a key file of any form; `passphrase` is not looked at when the file is not encrypted.
 * @throws PrivateKeyError
 */
export async function openKeyFile(file: KeyFile, passphrase: string | undefined): Promise<PrivateKey> {
  const form = FORMS.get(file.block.label) ?? 'pkcs8';
  if (!file.encrypted) return PrivateKey.decode(form, file.block.bytes);
  if (passphrase === undefined) throw new PrivateKeyError('passphrase-needed', 'private key is encrypted');
  const plain = isPemEncrypted(file.block)
    ? checkShape(form, decryptPem(file.block, passphrase))
    : await decryptPbes2(file.block.bytes, passphrase);
  try {
    return PrivateKey.decode(form, plain);
  } finally {
    wipe(plain);
  }
}

/** One wrong passphrase in 256 leaves padding that looks right, but never a whole DER value. */
function checkShape(form: KeyForm, plain: Uint8Array): Uint8Array {
  try {
    if (form !== 'ed25519') decodeDer(plain, DerTag.sequence);
    else if (plain.length !== 96) throw new DecodeError('ed25519 key is not 96 bytes');
    return plain;
  } catch (cause) {
    throw new PrivateKeyError('wrong-passphrase', 'wrong passphrase or damaged key', { cause });
  }
}
