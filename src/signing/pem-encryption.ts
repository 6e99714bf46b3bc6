// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { PemBlock } from '../encoding/index.ts';
import { PrivateKeyError } from './errors.ts';
import { decryptCbc } from './pbes2.ts';

/** Ciphers of RFC 1423 as OpenSSL and Notary before 0.6 wrote them: key bytes and block bytes. */
const CIPHERS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['AES-128-CBC', [16, 16]],
  ['AES-192-CBC', [24, 16]],
  ['AES-256-CBC', [32, 16]],
  ['DES-EDE3-CBC', [24, 8]],
]);
const HEX = /^(?:[0-9a-f]{2})+$/i;

/** Whether the block is encrypted by its own headers instead of by PKCS#8. */
export function isPemEncrypted(block: PemBlock): boolean {
  return block.headers.has('DEK-Info');
}

/**
 * Opens a block with `DEK-Info`. Read only: one round of MD5 is no key derivation. The caller wipes the result.
 * @throws PrivateKeyError `wrong-passphrase`, `malformed`, `unsupported`
 */
export function decryptPem(block: PemBlock, passphrase: string): Uint8Array {
  const [name = '', vector = ''] = (block.headers.get('DEK-Info') ?? '').split(',');
  const cipher = CIPHERS.get(name.trim());
  if (cipher === undefined) throw new PrivateKeyError('unsupported', 'private key with unsupported PEM encryption');
  const [keyBytes, blockBytes] = cipher;
  const iv = Buffer.from(HEX.test(vector.trim()) ? vector.trim() : '', 'hex');
  if (iv.length !== blockBytes || block.bytes.length === 0 || block.bytes.length % blockBytes !== 0) {
    throw new PrivateKeyError('malformed', 'damaged encrypted private key');
  }
  const key = legacyKey(passphrase, iv.subarray(0, 8), keyBytes);
  try {
    return decryptCbc(name.trim().toLowerCase(), key, iv, block.bytes);
  } catch (cause) {
    throw new PrivateKeyError('wrong-passphrase', 'wrong passphrase or damaged key', { cause });
  } finally {
    key.fill(0);
  }
}

/** OpenSSL's first key derivation: chained MD5 over passphrase and salt. */
function legacyKey(passphrase: string, salt: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let size = 0; size < length; size += 16) {
    const hash = createHash('md5').update(blocks.at(-1) ?? new Uint8Array());
    blocks.push(hash.update(passphrase, 'utf8').update(salt).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}
