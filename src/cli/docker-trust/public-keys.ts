// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { DecodeError, decodePem, decodeUtf8 } from '../../encoding/index.ts';
import { decodePublicKeyFile, PublicKeyFileError } from '../../signing/index.ts';
import type { PublicKey } from '../../tuf/index.ts';
import { TrustCommandError } from './errors.ts';

/**
 * A signer's public key: PEM of a `PUBLIC KEY` (ECDSA, RSA, and unlike Docker ed25519) or of a `CERTIFICATE` that is valid
 * at `now` (reference 9.4). Only the first block counts.
 * @throws TrustCommandError in Docker's words
 */
export async function readPublicKey(path: string, shown: string, now: Date): Promise<PublicKey> {
  const bytes = await readFile(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = code === 'ENOENT' ? 'no such file or directory' : code;
    throw new TrustCommandError(`unable to read public key from file: open ${shown}: ${reason}`);
  });
  const problem = (message: string, cause?: unknown) =>
    new TrustCommandError(`could not parse public key from file: ${shown}: ${message}`, { cause });
  const file = new Uint8Array(bytes);
  const label = firstLabel(file);
  if (label === undefined) throw problem('no valid public key found');
  if (label !== 'PUBLIC KEY' && label !== 'CERTIFICATE')
    throw problem(`unsupported PEM block type "${label}", expected CERTIFICATE or PUBLIC KEY`);
  try {
    return decodePublicKeyFile(file, now);
  } catch (error) {
    if (error instanceof PublicKeyFileError) throw problem(error.message, error);
    throw error;
  }
}

function firstLabel(file: Uint8Array): string | undefined {
  try {
    return decodePem(decodeUtf8(file))[0]?.label;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
