// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import {
  DecodeError,
  decodeBase64,
  decodeJsonObject,
  encodeBase64,
  encodeCanonicalJson,
  encodeUtf8,
  type JsonObject,
} from '../../encoding/index.ts';
import { KeyStoreError } from '../errors.ts';
import type { ShareSet } from './shares.ts';

/**
 * A backup file is a JSON object:
 *
 *     { "format": "hallmark-key-backup", "version": 1, "created": "2026-11-22T14:28:02.000Z",
 *       "secret": { "kind": "passphrase", "kdf": "scrypt", "n": 131072, "r": 8, "p": 1, "salt": "<base64>" },
 *       "cipher": "aes-256-gcm", "nonce": "<base64, 12 bytes>", "sealed": "<base64: ciphertext, then the tag of 16 bytes>" }
 *
 * or, for a key in shares, "secret": { "kind": "shares", "set": "<8 hex>", "shares": 5, "needed": 3 }. The cipher also
 * authenticates the canonical JSON of everything but `sealed`, so that nothing of the file can be changed. Sealed is a
 * JSON object { "files": [ { "name": "<key id>.key", "content": "<base64>" } ] }.
 */
export interface Backup {
  readonly created: Date;
  readonly secret: PassphraseSecret | ({ readonly kind: 'shares' } & ShareSet);
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
  /** What the cipher authenticates beside the content. */
  readonly header: Uint8Array;
}

export interface PassphraseSecret {
  readonly kind: 'passphrase';
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
}

const FORMAT = 'hallmark-key-backup';
const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SALT_BYTES = 32;
/** 128 MiB and a third of a second, beyond what is advised for stored passwords. */
const COST = { n: 1 << 17, r: 8, p: 1 };
/** A file may ask for more, up to what no machine breaks down under (S23). */
const MAX_N = 1 << 20;
export const MAX_BACKUP_BYTES = 64 * 1024 * 1024;

export function newPassphraseSecret(): PassphraseSecret {
  return { kind: 'passphrase', ...COST, salt: new Uint8Array(randomBytes(SALT_BYTES)) };
}

export function newBackupKey(): Uint8Array {
  return new Uint8Array(randomBytes(KEY_BYTES));
}

/** The key that a passphrase makes. The caller wipes it. */
export function deriveBackupKey({ n, r, p, salt }: PassphraseSecret, passphrase: string): Promise<Uint8Array> {
  const options = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    );
  });
}

/** Encrypts the content under a key of 32 bytes that is used for this backup alone. */
export function sealBackup(content: Uint8Array, key: Uint8Array, secret: Backup['secret'], created: Date): Uint8Array {
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  const document = {
    format: FORMAT,
    version: VERSION,
    created: created.toISOString(),
    secret: secret.kind === 'shares' ? { kind: secret.kind, ...setOf(secret) } : kdfOf(secret),
    cipher: CIPHER,
    nonce: encodeBase64(nonce),
  };
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(headerOf(decodeJsonObject(encodeUtf8(JSON.stringify(document)))));
  const sealed = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  return encodeUtf8(`${JSON.stringify({ ...document, sealed: encodeBase64(sealed) }, null, 1)}\n`);
}

function setOf({ set, shares, needed }: ShareSet): ShareSet {
  return { set, shares, needed };
}

function kdfOf({ kind, n, r, p, salt }: PassphraseSecret) {
  return { kind, kdf: 'scrypt', n, r, p, salt: encodeBase64(salt) };
}

/** Reads what can be read without the secret. @throws KeyStoreError `malformed`, `unsupported` */
export function decodeBackup(file: Uint8Array): Backup {
  try {
    const document = decodeJsonObject(file);
    if (document.get('format') !== FORMAT) throw new DecodeError('another format');
    if (document.get('version') !== VERSION || document.get('cipher') !== CIPHER)
      throw new KeyStoreError('unsupported', 'this backup was made by a later version of this program');
    const [nonce, sealed] = [decodeBase64(text(document, 'nonce')), decodeBase64(text(document, 'sealed'))];
    const created = new Date(text(document, 'created'));
    if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES || Number.isNaN(created.getTime()))
      throw new DecodeError('a part of wrong length');
    return { created, secret: decodeSecret(object(document, 'secret')), nonce, sealed, header: headerOf(document) };
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new KeyStoreError('malformed', 'not a key backup, or a damaged one', { cause });
  }
}

function decodeSecret(secret: JsonObject): Backup['secret'] {
  if (secret.get('kind') === 'shares') {
    return {
      kind: 'shares',
      set: text(secret, 'set'),
      shares: whole(secret, 'shares', 2, 255),
      needed: whole(secret, 'needed', 2, 255),
    };
  }
  if (secret.get('kind') !== 'passphrase' || secret.get('kdf') !== 'scrypt') throw new DecodeError('unknown secret');
  const n = whole(secret, 'n', 2, MAX_N);
  if ((n & (n - 1)) !== 0) throw new DecodeError('n is no power of two');
  const [r, p] = [whole(secret, 'r', 1, COST.r), whole(secret, 'p', 1, 4)];
  return { kind: 'passphrase', n, r, p, salt: decodeBase64(text(secret, 'salt')) };
}

/** The content; undefined when the key is wrong or a byte of the file was changed, which cannot be told apart. */
export function openBackup({ nonce, sealed, header }: Backup, key: Uint8Array): Uint8Array | undefined {
  if (key.length !== KEY_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]));
  } catch {
    return undefined;
  }
}

function headerOf(document: JsonObject): Uint8Array {
  return encodeCanonicalJson(new Map([...document].filter(([name]) => name !== 'sealed')));
}

export function text(document: JsonObject, name: string): string {
  const value = document.get(name);
  if (typeof value !== 'string') throw new DecodeError(`${name} is no text`);
  return value;
}

function object(document: JsonObject, name: string): JsonObject {
  const value = document.get(name);
  if (!(value instanceof Map)) throw new DecodeError(`${name} is no object`);
  return value as JsonObject;
}

function whole(document: JsonObject, name: string, least: number, most: number): number {
  const value = document.get(name);
  if (typeof value !== 'number' || value < least || value > most) throw new DecodeError(`${name} is out of bounds`);
  return value;
}
