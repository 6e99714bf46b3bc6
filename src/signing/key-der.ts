// SPDX-License-Identifier: Apache-2.0
import { createECDH, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
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
  equalBytes,
} from '../encoding/index.ts';
import type { KeyAlgorithm } from '../tuf/index.ts';
import { PrivateKeyError } from './errors.ts';

/** `pkcs8` is PrivateKeyInfo; the others are what it wraps: SEC 1, PKCS#1, and public key ‖ seed ‖ public key. */
export type KeyForm = 'pkcs8' | KeyAlgorithm;

const RSA = '1.2.840.113549.1.1.1';
const EC = '1.2.840.10045.2.1';
/** What Notary writes for ed25519, with a payload of its own; RFC 8410 came later with another one. */
const ED25519_NOTARY = '1.3.6.1.4.1.11591.15.1';
const ED25519 = '1.3.101.112';

/** Curve names as node:crypto has them, with object identifier and bytes of a coordinate. */
const CURVES = [
  { name: 'prime256v1', id: '1.2.840.10045.3.1.7', size: 32 },
  { name: 'secp384r1', id: '1.3.132.0.34', size: 48 },
  { name: 'secp521r1', id: '1.3.132.0.35', size: 66 },
] as const;
type Curve = (typeof CURVES)[number];

const MAX_RSA_BYTES = 1024;
const PROBE = Buffer.from('does this private key fit its public key?');

/**
 * Reads a private key and makes sure that it fits the public key stored beside it. Bytes never pass through JWK, whose
 * strings could not be wiped.
 * @throws PrivateKeyError `malformed`, `unsupported`
 */
export function decodeKey(form: KeyForm, bytes: Uint8Array): KeyObject {
  try {
    switch (form) {
      case 'pkcs8':
        return decodePrivateKeyInfo(bytes);
      case 'ecdsa':
        return decodeSec1(bytes);
      case 'rsa':
        return decodePkcs1(bytes);
      case 'ed25519':
        return decodeNotaryEd25519(bytes);
      default:
        return form satisfies never;
    }
  } catch (cause) {
    if (cause instanceof PrivateKeyError) throw cause;
    throw new PrivateKeyError('malformed', `damaged private key (${form})`, { cause });
  }
}

function decodePrivateKeyInfo(der: Uint8Array): KeyObject {
  const [version, algorithm, wrapped] = decodeDerSequence(der);
  // RFC 5958 has version 1 for keys with a public part; Notary writes 1 for every ECDSA key
  if (decodeDerInteger(present(version)) > 1)
    throw new PrivateKeyError('unsupported', 'private key of unknown version');
  const [id, parameters] = decodeDerSequence(present(algorithm).raw);
  const payload = decodeDer(present(wrapped).raw, DerTag.octetString).content;
  const name = decodeObjectId(present(id));
  switch (name) {
    case RSA:
      return decodePkcs1(payload);
    case EC:
      return decodeSec1(payload, parameters);
    case ED25519_NOTARY:
      return decodeNotaryEd25519(payload);
    case ED25519:
      return ed25519Key(decodeDer(payload, DerTag.octetString).content);
  }
  throw new PrivateKeyError('unsupported', `private key of unsupported algorithm ${name}`);
}

function decodeSec1(der: Uint8Array, outerCurve?: DerValue): KeyObject {
  const [version, secret, ...optional] = decodeDerSequence(der);
  if (decodeDerInteger(present(version)) !== 1) throw new DecodeError('unknown version of EC key');
  const inner = optional.find((value) => value.tag === DerTag.context0);
  const stated = optional.find((value) => value.tag === DerTag.context1);
  // a public key under a damaged tag must not pass for a missing one
  if (optional.some((value) => value !== inner && value !== stated)) throw new DecodeError('unknown part of EC key');
  const curve = curveOf(inner === undefined ? present(outerCurve) : decodeDer(inner.content, DerTag.objectId));
  const scalar = decodeDer(present(secret).raw, DerTag.octetString).content;
  if (scalar.length > curve.size) throw new DecodeError('EC key too long for its curve');
  const padded = Buffer.concat([Buffer.alloc(curve.size - scalar.length), scalar]);
  // libraries differ in whether they check the public key stated in the file, so it is computed and compared
  const owner = createECDH(curve.name);
  owner.setPrivateKey(padded);
  const point = Buffer.concat([Uint8Array.of(0), owner.getPublicKey()]);
  if (stated !== undefined && !equalBytes(point, decodeDer(stated.content, DerTag.bitString).content)) throw mismatch();
  const whole = encodeDer(
    DerTag.sequence,
    encodeDerInteger(1),
    encodeDer(DerTag.octetString, padded),
    encodeDer(DerTag.context0, encodeObjectId(curve.id)),
    encodeDer(DerTag.context1, encodeDer(DerTag.bitString, point)),
  );
  const object = createPrivateKey({ key: sameMemory(whole), format: 'der', type: 'sec1' });
  wipe(whole, padded);
  return object;
}

function curveOf(value: DerValue): Curve {
  const id = decodeObjectId(value);
  const curve = CURVES.find((candidate) => candidate.id === id);
  if (curve === undefined) throw new PrivateKeyError('unsupported', `EC key on unsupported curve ${id}`);
  return curve;
}

function decodePkcs1(der: Uint8Array): KeyObject {
  const [version, modulus] = decodeDerSequence(der);
  if (decodeDerInteger(present(version)) !== 0) throw new PrivateKeyError('unsupported', 'RSA key with several primes');
  if (present(modulus).content.length > MAX_RSA_BYTES + 1) {
    throw new PrivateKeyError('unsupported', `RSA key of more than ${MAX_RSA_BYTES * 8} bits`);
  }
  const object = createPrivateKey({ key: sameMemory(der), format: 'der', type: 'pkcs1' });
  // not every library checks that the primes belong to the modulus
  if (!verify('sha256', PROBE, createPublicKey(object), sign('sha256', PROBE, object))) throw mismatch();
  return object;
}

function decodeNotaryEd25519(payload: Uint8Array): KeyObject {
  if (payload.length !== 96) throw new DecodeError('ed25519 key is not 96 bytes');
  const publicBytes = payload.subarray(0, 32);
  const object = ed25519Key(payload.subarray(32, 64));
  const actual = spki(object).subarray(-32);
  if (!equalBytes(publicBytes, actual) || !equalBytes(payload.subarray(64), actual)) throw mismatch();
  return object;
}

function ed25519Key(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new DecodeError('ed25519 seed is not 32 bytes');
  // the standard PrivateKeyInfo, which every crypto library reads
  const der = encodeDer(
    DerTag.sequence,
    encodeDerInteger(0),
    encodeDer(DerTag.sequence, encodeObjectId(ED25519)),
    encodeDer(DerTag.octetString, encodeDer(DerTag.octetString, seed)),
  );
  const object = createPrivateKey({ key: sameMemory(der), format: 'der', type: 'pkcs8' });
  wipe(der);
  return object;
}

/** PrivateKeyInfo byte for byte as Notary writes it (reference 9.2). The caller wipes it. */
export function encodePrivateKeyInfo(object: KeyObject): Uint8Array {
  const bare = encodeBareKey(object);
  const [version, ...algorithm] = algorithmOf(object);
  const der = encodeDer(
    DerTag.sequence,
    encodeDerInteger(version),
    encodeDer(DerTag.sequence, ...algorithm.map(encodeObjectId)),
    encodeDer(DerTag.octetString, bare),
  );
  wipe(bare);
  return der;
}

/** Version of PrivateKeyInfo, algorithm, curve. */
function algorithmOf(object: KeyObject): [version: number, ...ids: string[]] {
  if (object.asymmetricKeyType === 'rsa') return [0, RSA];
  if (object.asymmetricKeyType === 'ed25519') return [0, ED25519_NOTARY];
  const name = object.asymmetricKeyDetails?.namedCurve;
  return [1, EC, ...CURVES.filter((curve) => curve.name === name).map((curve) => curve.id)];
}

/** SEC 1, PKCS#1, or the 96 bytes of Notary's ed25519 keys. The caller wipes it. */
export function encodeBareKey(object: KeyObject): Uint8Array {
  if (object.asymmetricKeyType === 'rsa') return object.export({ format: 'der', type: 'pkcs1' });
  if (object.asymmetricKeyType === 'ec') return object.export({ format: 'der', type: 'sec1' });
  const der = object.export({ format: 'der', type: 'pkcs8' });
  const publicBytes = spki(object).subarray(-32);
  const payload = Buffer.concat([publicBytes, der.subarray(-32), publicBytes]);
  wipe(der);
  return payload;
}

/** Overwrites secrets that are no longer needed (S5). */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

/** The same memory as a Buffer, so that wiping the original wipes what the library was given. */
function sameMemory(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** SubjectPublicKeyInfo of the public half. */
export function spki(object: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(object).export({ format: 'der', type: 'spki' }));
}

function present(value: DerValue | undefined): DerValue {
  if (value === undefined) throw new DecodeError('private key lacks a part');
  return value;
}

function mismatch(): PrivateKeyError {
  return new PrivateKeyError('malformed', 'private key does not fit its public key');
}
