// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { decodePublicKeyFile, PublicKeyFileError } from '../signing/index.ts';
import type { PublicKey } from '../tuf/index.ts';
import { UsageError } from './usage-error.ts';

const MAX_BYTES = 64 * 1024;

/** The public keys or certificates of these files. @throws UsageError, PublicKeyFileError; both name the file */
export async function readPublicKeys(paths: readonly string[], now: Date): Promise<readonly PublicKey[]> {
  return Promise.all(paths.map((path) => readPublicKey(path, now)));
}

async function readPublicKey(path: string, now: Date): Promise<PublicKey> {
  const bytes = await readFile(path).catch((cause) => {
    throw new UsageError(`cannot read ${path}: ${'code' in cause ? cause.code : 'unreadable'}`, { cause });
  });
  try {
    if (bytes.length > MAX_BYTES) throw new PublicKeyFileError('malformed', 'too long for a public key');
    return decodePublicKeyFile(new Uint8Array(bytes), now);
  } catch (cause) {
    if (!(cause instanceof PublicKeyFileError)) throw cause;
    throw new PublicKeyFileError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}
