// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  canonicalKeyId,
  type KeyAlgorithm,
  type KeyId,
  MetadataError,
  type PublicKey,
  signBytes,
  verifyingKey,
} from '../tuf/index.ts';
import { PrivateKeyError } from './errors.ts';
import { decodeKey, encodeBareKey, encodePrivateKeyInfo, type KeyForm, spki } from './key-der.ts';
import type { StoredKey } from './signer.ts';

/** A private key in memory, decrypted and ready to sign. */
export class PrivateKey implements StoredKey {
  readonly algorithm: KeyAlgorithm;
  readonly key: PublicKey;
  /** Names the key in files and on signers: the ID of the bare key. */
  readonly keyId: KeyId;
  /** Held by the crypto library, outside of JavaScript's strings; shows nothing when printed. */
  readonly object: KeyObject;

  private constructor(object: KeyObject) {
    const type = object.asymmetricKeyType;
    this.algorithm = type === 'ec' ? 'ecdsa' : (type as KeyAlgorithm);
    const bytes = spki(object);
    this.key = { type: this.algorithm, bytes: this.algorithm === 'ed25519' ? bytes.subarray(-32) : bytes };
    this.keyId = canonicalKeyId(this.key);
    this.object = object;
  }

  /** A new key: ECDSA on P-256 unless asked otherwise; RSA has 2048 bits. */
  static generate(algorithm: KeyAlgorithm = 'ecdsa'): PrivateKey {
    switch (algorithm) {
      case 'ecdsa':
        return new PrivateKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
      case 'ed25519':
        return new PrivateKey(generateKeyPairSync('ed25519').privateKey);
      case 'rsa':
        return new PrivateKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
      default:
        return algorithm satisfies never;
    }
  }

  /**
   * Reads an unencrypted key. `bytes` stay the caller's, to be wiped.
   * @throws PrivateKeyError `malformed`, `unsupported`, `weak-key`
   */
  static decode(form: KeyForm, bytes: Uint8Array): PrivateKey {
    const key = new PrivateKey(decodeKey(form, bytes));
    try {
      verifyingKey(key.key);
    } catch (cause) {
      if (!(cause instanceof MetadataError)) throw cause;
      throw new PrivateKeyError(cause.code === 'weak-key' ? 'weak-key' : 'unsupported', cause.message, { cause });
    }
    return key;
  }

  /** PrivateKeyInfo as Notary writes it, unencrypted: to be encrypted at once and wiped. */
  encode(): Uint8Array {
    return encodePrivateKeyInfo(this.object);
  }

  /** What Notary's signer keeps: SEC 1 (`ecdsa`), PKCS#1 (`rsa`) or 96 bytes (`ed25519`), unencrypted; to be wiped. */
  encodeBare(): Uint8Array {
    return encodeBareKey(this.object);
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    return signBytes(this.algorithm, this.object, message);
  }

  async signPkcs1(message: Uint8Array): Promise<Uint8Array> {
    if (this.algorithm !== 'rsa') throw new PrivateKeyError('unsupported', 'PKCS#1 signatures are for RSA keys');
    return new Uint8Array(sign('sha256', message, this.object));
  }
}
