// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { DecodeError, decodePem, decodeUtf8, type PemBlock } from '../encoding/index.ts';
import { certificateKey, MetadataError, type PublicKey, readCertificate, verifyingKey } from '../tuf/index.ts';

/** Why a file cannot serve as somebody's public key. */
export type PublicKeyFileErrorCode = 'malformed' | 'private-key' | 'unsupported' | 'weak-key' | 'expired';

export class PublicKeyFileError extends Error {
  override readonly name = 'PublicKeyFileError';
  readonly code: PublicKeyFileErrorCode;

  constructor(code: PublicKeyFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The public key of a signer, as people send it to each other: the first PEM block, `PUBLIC KEY` (ECDSA, RSA, Ed25519)
 * or a `CERTIFICATE` that is valid at `now`, not signed with SHA-1, and has an RSA key of at least 2048 bits
 * (reference 9.4). Later blocks are not looked at.
 * @throws PublicKeyFileError
 */
export function decodePublicKeyFile(file: Uint8Array, now: Date): PublicKey {
  const block = firstBlock(file);
  const key = readBlock(block, now);
  try {
    verifyingKey(key);
    return key;
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new PublicKeyFileError(cause.code === 'weak-key' ? 'weak-key' : 'unsupported', cause.message, { cause });
  }
}

function firstBlock(file: Uint8Array): PemBlock {
  try {
    const [block] = decodePem(decodeUtf8(file));
    if (block !== undefined) return block;
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new PublicKeyFileError('malformed', 'no valid PEM', { cause });
  }
  throw new PublicKeyFileError('malformed', 'no PEM block found');
}

function readBlock({ label, bytes }: PemBlock, now: Date): PublicKey {
  if (label === 'PUBLIC KEY') return spkiKey(bytes);
  if (label === 'CERTIFICATE') return certificate(bytes, now);
  if (label.endsWith('PRIVATE KEY'))
    throw new PublicKeyFileError('private-key', 'it holds a private key: hand out the public key or a certificate');
  throw new PublicKeyFileError('unsupported', `it holds neither a public key nor a certificate but ${label}`);
}

function spkiKey(der: Uint8Array): PublicKey {
  let object: KeyObject;
  try {
    object = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new PublicKeyFileError('malformed', 'damaged public key', { cause });
  }
  const spki = new Uint8Array(object.export({ format: 'der', type: 'spki' }));
  switch (object.asymmetricKeyType) {
    case 'ec':
      return { type: 'ecdsa', bytes: spki };
    case 'rsa':
      return { type: 'rsa', bytes: spki };
    case 'ed25519':
      return { type: 'ed25519', bytes: spki.subarray(-32) };
  }
  throw new PublicKeyFileError('unsupported', `unsupported kind of key: ${object.asymmetricKeyType ?? 'unknown'}`);
}

function certificate(der: Uint8Array, now: Date): PublicKey {
  const { notBefore, notAfter, strongSignature, key } = readDer(der);
  if (now.getTime() < notBefore.getTime())
    throw new PublicKeyFileError('expired', `its certificate is valid only from ${notBefore.toISOString()} on`);
  if (now.getTime() > notAfter.getTime())
    throw new PublicKeyFileError('expired', `its certificate expired at ${notAfter.toISOString()}`);
  if (!strongSignature)
    throw new PublicKeyFileError('weak-key', 'its certificate is signed with an algorithm that is not safe any more');
  return key;
}

function readDer(der: Uint8Array) {
  try {
    const kind = new X509Certificate(der).publicKey.asymmetricKeyType;
    if (kind !== 'ec' && kind !== 'rsa')
      throw new PublicKeyFileError('unsupported', `unsupported kind of key in a certificate: ${kind ?? 'unknown'}`);
    return { ...readCertificate(der), key: certificateKey(der) };
  } catch (cause) {
    if (cause instanceof PublicKeyFileError) throw cause;
    throw new PublicKeyFileError('malformed', 'damaged certificate', { cause });
  }
}
