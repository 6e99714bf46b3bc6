// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { DecodeError, decodePem, decodeUtf8, type PemBlock } from '../../encoding/index.ts';
import { decodePublicKeyFile, PublicKeyFileError } from '../../signing/index.ts';
import { certificateKey, type PublicKey, readCertificate } from '../../tuf/index.ts';
import { fileProblem, NotaryError } from './errors.ts';

/** The public key of a delegation: a certificate that is valid now, or a bare key (reference 9.4). @throws NotaryError */
export function readPublicKeyFile(path: string, now: Date): PublicKey {
  const file = readFile(path);
  try {
    return decodePublicKeyFile(file, now);
  } catch (cause) {
    if (!(cause instanceof PublicKeyFileError)) throw cause;
    const reason = wordsFor(cause, firstBlock(file));
    throw new NotaryError(`unable to parse valid public key certificate from PEM file ${path}: ${reason}`, { cause });
  }
}

/** What the original says of such a file. */
function wordsFor({ code, message }: PublicKeyFileError, block: PemBlock | undefined): string {
  if (block === undefined) return 'no valid public key found';
  const isCertificate = block.label === 'CERTIFICATE';
  if (!isCertificate && block.label !== 'PUBLIC KEY')
    return `unsupported PEM block type "${block.label}", expected CERTIFICATE or PUBLIC KEY`;
  switch (code) {
    case 'expired':
      return `invalid certificate: certificate with CN ${readCertificate(block.bytes).commonName} is expired`;
    case 'weak-key':
      return `${isCertificate ? 'invalid certificate: ' : ''}${/rsa/.test(message) ? 'RSA bit length is too short' : message}`;
    case 'malformed':
      return 'no valid public key found';
    case 'private-key':
    case 'unsupported':
      return isCertificate ? message : 'unknown public key format';
    default:
      return code satisfies never;
  }
}

/** Certificates of a root key as they are: they are judged when the root is. @throws NotaryError */
export function readRootCertificates(path: string): readonly PublicKey[] {
  const blocks = blocksOf(readFile(path)).filter(({ label }) => label === 'CERTIFICATE');
  if (blocks.length === 0) throw new NotaryError(`error reading certificate: ${path} holds none`);
  try {
    return blocks.map(({ bytes }) => certificateKey(bytes));
  } catch (cause) {
    throw new NotaryError(`error reading certificate: ${path} is damaged`, { cause });
  }
}

function readFile(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new NotaryError(`file for public key does not exist: ${path}`, { cause });
    throw fileProblem(cause, path);
  }
}

function firstBlock(file: Uint8Array): PemBlock | undefined {
  return blocksOf(file)[0];
}

function blocksOf(file: Uint8Array): readonly PemBlock[] {
  try {
    return decodePem(decodeUtf8(file));
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
