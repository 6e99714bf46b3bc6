// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  DecodeError,
  DerTag,
  type DerValue,
  decodeDer,
  decodeDerInteger,
  decodeDerSequence,
  decodeObjectId,
  encodeDer,
  encodeDerInteger,
  encodeObjectId,
} from '../encoding/index.ts';
import { PrivateKeyError } from './errors.ts';

const derive = promisify(pbkdf2);

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';

interface Cipher {
  readonly name: string;
  readonly keyBytes: number;
  readonly blockBytes: number;
}

const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyBytes: 16, blockBytes: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyBytes: 24, blockBytes: 16 }],
  [AES_256_CBC, { name: 'aes-256-cbc', keyBytes: 32, blockBytes: 16 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', keyBytes: 24, blockBytes: 8 }],
]);

const PRFS: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
]);

/** What Notary writes, and all that it reads. */
const NOTARY_ITERATIONS = 2048;
/** A file must not be able to keep us busy for minutes (S23). */
const MAX_ITERATIONS = 10_000_000;

interface Pbes2 {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly prf: string;
  readonly cipher: Cipher;
  readonly iv: Uint8Array;
  readonly encrypted: Uint8Array;
}

/**
 * Opens an EncryptedPrivateKeyInfo (RFC 5958, PBES2 of RFC 8018): Notary's form, and OpenSSL's with HMAC-SHA2 and other
 * AES sizes. The caller wipes the result.
 * @throws PrivateKeyError `wrong-passphrase`, `malformed`, `unsupported`
 */
export async function decryptPbes2(der: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const { salt, iterations, prf, cipher, iv, encrypted } = decodePbes2(der);
  const secret = Buffer.from(passphrase, 'utf8');
  const key = await derive(secret, salt, iterations, cipher.keyBytes, prf);
  secret.fill(0);
  try {
    const plain = decryptCbc(cipher.name, key, iv, encrypted);
    decodeDer(plain, DerTag.sequence);
    return plain;
  } catch (cause) {
    throw new PrivateKeyError('wrong-passphrase', 'wrong passphrase or damaged key', { cause });
  } finally {
    key.fill(0);
  }
}

/** Decrypts and checks the PKCS#7 padding. @throws Error of the crypto library */
export function decryptCbc(cipher: string, key: Uint8Array, iv: Uint8Array, encrypted: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(cipher, key, iv);
  const head = decipher.update(encrypted);
  try {
    return new Uint8Array(Buffer.concat([head, decipher.final()]));
  } finally {
    head.fill(0);
  }
}

function decodePbes2(der: Uint8Array): Pbes2 {
  try {
    const [algorithm, data] = decodeDerSequence(der);
    const parameters = parametersOf(algorithm, PBES2, 'encryption');
    const [derivation, encryption] = decodeDerSequence(present(parameters).raw);
    const [cipherId, iv] = decodeDerSequence(present(encryption).raw);
    const cipher = CIPHERS.get(decodeObjectId(present(cipherId)));
    if (cipher === undefined) throw unsupported('cipher', decodeObjectId(present(cipherId)));
    const encrypted = octets(data);
    if (encrypted.length === 0 || encrypted.length % cipher.blockBytes !== 0) throw new DecodeError('key cut off');
    if (octets(iv).length !== cipher.blockBytes) throw new DecodeError('bad initialization vector');
    return {
      ...decodePbkdf2(parametersOf(derivation, PBKDF2, 'key derivation'), cipher),
      cipher,
      iv: octets(iv),
      encrypted,
    };
  } catch (cause) {
    if (cause instanceof PrivateKeyError) throw cause;
    throw new PrivateKeyError('malformed', 'damaged encrypted private key', { cause });
  }
}

function decodePbkdf2(parameters: DerValue, cipher: Cipher): Pick<Pbes2, 'salt' | 'iterations' | 'prf'> {
  const [salt, count, ...optional] = decodeDerSequence(parameters.raw);
  const iterations = decodeDerInteger(present(count));
  if (iterations < 1 || iterations > MAX_ITERATIONS) {
    throw new PrivateKeyError(
      'unsupported',
      `key derivation of ${iterations} rounds, at most ${MAX_ITERATIONS} are allowed`,
    );
  }
  const keyLength = optional.find((value) => value.tag === DerTag.integer);
  if (keyLength !== undefined && decodeDerInteger(keyLength) !== cipher.keyBytes)
    throw new DecodeError('bad key length');
  return { salt: octets(salt), iterations, prf: prfOf(optional.find((value) => value.tag === DerTag.sequence)) };
}

function prfOf(algorithm: DerValue | undefined): string {
  if (algorithm === undefined) return 'sha1';
  const id = decodeObjectId(present(decodeDerSequence(algorithm.raw)[0]));
  const prf = PRFS.get(id);
  if (prf === undefined) throw unsupported('pseudo-random function', id);
  return prf;
}

function parametersOf(algorithm: DerValue | undefined, id: string, what: string): DerValue {
  const [name, parameters] = decodeDerSequence(present(algorithm).raw);
  const actual = decodeObjectId(present(name));
  if (actual !== id) throw unsupported(what, actual);
  return present(parameters);
}

/**
 * Encrypts a PrivateKeyInfo byte for byte in Notary's form (reference 9.2): PBKDF2 with HMAC-SHA1 and 2048 rounds, no
 * PRF and key length fields, AES-256-CBC. Weak by today's measure, but the only form that Docker and Notary open.
 * `salt` (8 bytes) and `iv` (16) are random unless a test gives them.
 */
export async function encryptPbes2(
  plain: Uint8Array,
  passphrase: string,
  salt: Uint8Array = randomBytes(8),
  iv: Uint8Array = randomBytes(16),
): Promise<Uint8Array> {
  const secret = Buffer.from(passphrase, 'utf8');
  const key = await derive(secret, salt, NOTARY_ITERATIONS, 32, 'sha1');
  secret.fill(0);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  key.fill(0);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const derivation = encodeDer(
    DerTag.sequence,
    encodeDer(DerTag.octetString, salt),
    encodeDerInteger(NOTARY_ITERATIONS),
  );
  const scheme = encodeDer(
    DerTag.sequence,
    encodeDer(DerTag.sequence, encodeObjectId(PBKDF2), derivation),
    encodeDer(DerTag.sequence, encodeObjectId(AES_256_CBC), encodeDer(DerTag.octetString, iv)),
  );
  const algorithm = encodeDer(DerTag.sequence, encodeObjectId(PBES2), scheme);
  return encodeDer(DerTag.sequence, algorithm, encodeDer(DerTag.octetString, encrypted));
}

function octets(value: DerValue | undefined): Uint8Array {
  return decodeDer(present(value).raw, DerTag.octetString).content;
}

function present(value: DerValue | undefined): DerValue {
  if (value === undefined) throw new DecodeError('encrypted private key lacks a part');
  return value;
}

function unsupported(what: string, id: string): PrivateKeyError {
  return new PrivateKeyError('unsupported', `private key with unsupported ${what} ${id}`);
}
