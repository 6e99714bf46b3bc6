// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { decodePem, decodeUtf8, encodeBase64, encodeHex, encodePem, encodeUtf8, quoteText } from '../encoding/index.ts';
import { BoundedMap } from './bounded-map.ts';
import { MetadataError } from './metadata-error.ts';
import type { KeyId } from './names.ts';
import { type KeyAlgorithm, SCHEMES, type Scheme } from './schemes.ts';

/** A public key as metadata carries it. The type decides the signature algorithm, never a signature's `method`. */
export interface PublicKey {
  /** `ecdsa`, `ecdsa-x509`, `rsa`, `rsa-x509`, `ed25519`; anything else is kept, and verifies nothing. */
  readonly type: string;
  /** SPKI DER (`ecdsa`, `rsa`), PEM text of a certificate chain (`*-x509`), or 32 raw bytes (`ed25519`). */
  readonly bytes: Uint8Array;
  /** How the key signs, where its key object says so, such as `ecdsa-sha2-nistp256`; part of its key ID then. */
  readonly scheme?: string;
}

/** A public key ready for use. */
export interface VerifyingKey {
  readonly algorithm: KeyAlgorithm;
  readonly object: KeyObject;
  /** Bytes of one coordinate of an ECDSA signature: 32 for P-256, 48 for P-384, 66 for P-521. */
  readonly coordinate: number;
  /** What the key object says of its signatures, if it does. */
  readonly scheme: Scheme | undefined;
  /** The same for every spelling of one key: hex SHA-256 of its SPKI DER. */
  readonly fingerprint: string;
}

const MIN_RSA_BITS = 2048;
const COORDINATES: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 32],
  ['secp384r1', 48],
  ['secp521r1', 66],
]);

const keyIds = new WeakMap<PublicKey, KeyId>();
const verifyingKeys = new WeakMap<PublicKey, VerifyingKey>();
/** By key ID, which covers all that a key says: every file brings the keys of its roles along anew. */
const readKeys = new BoundedMap<KeyId, VerifyingKey>(1024);

/** Key ID: SHA-256 of the canonical key object; without a scheme `private` is part of it, always null (reference 2.6). */
export function keyId(key: PublicKey): KeyId {
  let id = keyIds.get(key);
  if (id === undefined) {
    const text =
      key.scheme === undefined
        ? `{"keytype":${quoted(key.type)},"keyval":{"private":null,"public":"${encodeBase64(key.bytes)}"}}`
        : `{"keytype":${quoted(key.type)},"keyval":{"public":${quoted(publicText(key))}},"scheme":${quoted(key.scheme)}}`;
    id = createHash('sha256').update(text).digest('hex') as KeyId;
    keyIds.set(key, id);
  }
  return id;
}

/** The text of a key under a scheme: hex of an Ed25519 key, PEM of any other. */
export function publicText(key: PublicKey): string {
  if (key.type === 'ed25519') return encodeHex(key.bytes);
  return encodePem({ label: 'PUBLIC KEY', headers: new Map(), bytes: key.bytes });
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The ID of the bare key: names key files and signers; differs from {@link keyId} only for certificates. */
export function canonicalKeyId(key: PublicKey): KeyId {
  return key.type.endsWith('-x509') ? keyId(bareKey(key)) : keyId(key);
}

/** As {@link canonicalKeyId}, and undefined for a key that is not listed or that nobody can use: others still count. */
export function canonicalIdOf(key: PublicKey | undefined): KeyId | undefined {
  try {
    return key && canonicalKeyId(key);
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

/** The key itself, without the certificate that carries it. @throws MetadataError */
export function bareKey(key: PublicKey): PublicKey {
  const { algorithm, object } = verifyingKey(key);
  return key.type.endsWith('-x509') ? { type: algorithm, bytes: spki(object) } : key;
}

/**
 * Reads the key. A key type that is unknown, an RSA key under 2048 bits, another curve and damaged bytes are refused.
 * @throws MetadataError `unsupported-key`, `weak-key`, `malformed`
 */
export function verifyingKey(key: PublicKey): VerifyingKey {
  let found = verifyingKeys.get(key);
  if (found === undefined) {
    found = readKeys.getOrMake(keyId(key), () => readKey(key));
    verifyingKeys.set(key, found);
  }
  return found;
}

function readKey(key: PublicKey): VerifyingKey {
  const object = keyObject(key);
  const fingerprint = createHash('sha256').update(spki(object)).digest('hex');
  const algorithm = key.type.replace(/-x509$/, '') as KeyAlgorithm;
  const actual = object.asymmetricKeyType === 'ec' ? 'ecdsa' : object.asymmetricKeyType;
  if (actual !== algorithm) throw new MetadataError('malformed', `key of type ${key.type} holds a key of another type`);
  const details = object.asymmetricKeyDetails;
  if (algorithm === 'rsa' && (details?.modulusLength ?? 0) < MIN_RSA_BITS) {
    throw new MetadataError(
      'weak-key',
      `rsa key has ${details?.modulusLength} bits, at least ${MIN_RSA_BITS} are needed`,
    );
  }
  const coordinate = algorithm === 'ecdsa' ? COORDINATES.get(details?.namedCurve ?? '') : 0;
  if (coordinate === undefined) throw new MetadataError('unsupported-key', 'ecdsa key on an unsupported curve');
  return { algorithm, object, coordinate, fingerprint, scheme: schemeOf(key, coordinate) };
}

/** S1: a scheme that does not fit its key makes the key useless, it never picks another algorithm. */
function schemeOf({ type, scheme }: PublicKey, coordinate: number): Scheme | undefined {
  if (scheme === undefined) return undefined;
  const found = SCHEMES.get(scheme);
  if (found?.algorithm !== type || found.coordinate !== coordinate) {
    throw new MetadataError('unsupported-key', `${quoteText(type, 40)} key with scheme ${quoteText(scheme, 40)}`);
  }
  return found;
}

function keyObject(key: PublicKey): KeyObject {
  try {
    switch (key.type) {
      case 'ecdsa':
      case 'rsa':
        return createPublicKey({ key: Buffer.from(key.bytes), format: 'der', type: 'spki' });
      case 'ecdsa-x509':
      case 'rsa-x509':
        return leafCertificate(key).publicKey;
      case 'ed25519':
        return createPublicKey({ key: ed25519Jwk(key.bytes), format: 'jwk' });
    }
  } catch (cause) {
    if (cause instanceof MetadataError) throw cause;
    throw new MetadataError('malformed', `damaged ${key.type} key`, { cause });
  }
  throw new MetadataError('unsupported-key', `unsupported key type ${quoteText(key.type, 40)}`);
}

function ed25519Jwk(bytes: Uint8Array): { kty: string; crv: string; x: string } {
  if (bytes.length !== 32) throw new MetadataError('malformed', 'ed25519 key is not 32 bytes');
  return { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes).toString('base64url') };
}

function spki(object: KeyObject): Uint8Array {
  return new Uint8Array(object.export({ format: 'der', type: 'spki' }));
}

/** The certificates of an `*-x509` key, in the order of the text. @throws MetadataError `malformed` */
export function certificates(key: PublicKey): readonly X509Certificate[] {
  try {
    const blocks = decodePem(decodeUtf8(key.bytes));
    if (blocks.length === 0 || blocks.some((block) => block.label !== 'CERTIFICATE')) {
      throw new MetadataError('malformed', 'key holds something other than certificates');
    }
    return blocks.map((block) => new X509Certificate(block.bytes));
  } catch (cause) {
    if (cause instanceof MetadataError) throw cause;
    throw new MetadataError('malformed', 'damaged certificate', { cause });
  }
}

/** The first certificate of an `*-x509` key. @throws MetadataError `malformed` */
export function leafCertificate(key: PublicKey): X509Certificate {
  return certificates(key)[0] as X509Certificate;
}

/** A certificate as the key object that root metadata carries: PEM text of 64 columns with a final newline. */
export function certificateKey(der: Uint8Array): PublicKey {
  const pem = encodePem({ label: 'CERTIFICATE', headers: new Map(), bytes: der });
  const algorithm = new X509Certificate(der).publicKey.asymmetricKeyType === 'rsa' ? 'rsa-x509' : 'ecdsa-x509';
  return { type: algorithm, bytes: encodeUtf8(pem) };
}
