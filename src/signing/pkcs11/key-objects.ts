// SPDX-License-Identifier: Apache-2.0
import {
  DecodeError,
  DerTag,
  decodeDer,
  decodeDerSequence,
  encodeDer,
  encodeObjectId,
  encodeUtf8,
} from '../../encoding/index.ts';
import { type Gun, type KeyAlgorithm, MetadataError, type PublicKey, parseGun } from '../../tuf/index.ts';
import { PrivateKeyError } from '../errors.ts';
import { wipe } from '../key-der.ts';
import type { KeyOwner } from '../key-file.ts';
import type { PrivateKey } from '../private-key.ts';
import { encodeUnsigned } from '../unsigned-integer.ts';
import { Attr, type Attribute, KeyType, ObjectClass } from './cryptoki.ts';

/** How a token's objects stand for keys: attributes to public keys, and keys to the templates of new objects. */

const EC = encodeObjectId('1.2.840.10045.2.1');
const RSA = encodeObjectId('1.2.840.113549.1.1.1');
const P256 = encodeObjectId('1.2.840.10045.3.1.7');
const RSA_BITS = 2048;
const RSA_EXPONENT = Buffer.from([1, 0, 1]);

/** The key of a CKK_EC public key object. @throws DecodeError */
export function ecPublicKey(params: Uint8Array, point: Uint8Array): PublicKey {
  // the standard wraps the point in an octet string; some libraries hand it out bare
  const bare = point[0] === DerTag.octetString ? decodeDer(point, DerTag.octetString).content : point;
  return { type: 'ecdsa', bytes: spki([EC, params], bare) };
}

/** The key of a CKK_RSA public key object. */
export function rsaPublicKey(modulus: Uint8Array, exponent: Uint8Array): PublicKey {
  const numbers = encodeDer(DerTag.sequence, encodeUnsigned(modulus), encodeUnsigned(exponent));
  return { type: 'rsa', bytes: spki([RSA, encodeDer(DerTag.null)], numbers) };
}

function spki(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array {
  const bits = encodeDer(DerTag.bitString, Uint8Array.of(0), key);
  return encodeDer(DerTag.sequence, encodeDer(DerTag.sequence, ...algorithm), bits);
}

/** The label that tells a key's role and GUN: `root`, a signer's name, `targets:example.com/app`. */
export function labelOf({ role, gun }: KeyOwner): string {
  return gun === undefined ? role : `${role}:${gun}`;
}

/** What a label says of a key; labels that others chose are taken as a signer's name. */
export function ownerOf(label: string): { readonly role: string | undefined; readonly gun: Gun | undefined } {
  const [, role, name] = /^(targets|snapshot|timestamp):(.+)$/.exec(label) ?? [];
  try {
    if (role !== undefined && name !== undefined) return { role, gun: parseGun(name) };
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
  }
  return { role: label.replace(/\p{Cc}/gu, '').slice(0, 255) || undefined, gun: undefined };
}

/** Templates of a key pair that the token makes: its private half can neither be read nor copied out. */
export function generationTemplates(
  algorithm: KeyAlgorithm,
  label: string,
  id: Uint8Array,
): [Attribute[], Attribute[]] {
  const shape: Attribute[] =
    algorithm === 'rsa'
      ? [
          { type: Attr.modulusBits, value: RSA_BITS },
          { type: Attr.publicExponent, value: RSA_EXPONENT },
        ]
      : [{ type: Attr.ecParams, value: Buffer.from(P256) }];
  return [[...publicPart(label, id), ...shape], privatePart(label, id)];
}

/** Templates of the two objects of an existing key. The caller wipes what {@link wipeTemplate} finds in the second. */
export function importTemplates(key: PrivateKey, label: string, id: Uint8Array): [Attribute[], Attribute[]] {
  const bare = key.encodeBare();
  try {
    switch (key.algorithm) {
      case 'ecdsa':
        return ecTemplates(key, bare, label, id);
      case 'rsa':
        return rsaTemplates(bare, label, id);
      case 'ed25519':
        throw new PrivateKeyError('unsupported', 'a token takes ecdsa and rsa keys, not ed25519');
      default:
        return key.algorithm satisfies never;
    }
  } finally {
    wipe(bare);
  }
}

function ecTemplates(key: PrivateKey, sec1: Uint8Array, label: string, id: Uint8Array): [Attribute[], Attribute[]] {
  const [, secret, ...optional] = decodeDerSequence(sec1);
  const params = optional.find(({ tag }) => tag === DerTag.context0)?.content;
  const [, bits] = decodeDerSequence(key.key.bytes);
  if (secret === undefined || params === undefined || bits === undefined) throw new DecodeError('EC key lacks a part');
  const shape: Attribute[] = [
    { type: Attr.keyType, value: KeyType.ec },
    { type: Attr.ecParams, value: Buffer.from(params) },
  ];
  const point = encodeDer(DerTag.octetString, bits.content.subarray(1));
  return [
    [
      classOf(ObjectClass.publicKey),
      ...publicPart(label, id),
      ...shape,
      { type: Attr.ecPoint, value: Buffer.from(point) },
    ],
    [
      classOf(ObjectClass.privateKey),
      ...privatePart(label, id),
      ...shape,
      { type: Attr.value, value: Buffer.from(secret.content) },
    ],
  ];
}

function rsaTemplates(pkcs1: Uint8Array, label: string, id: Uint8Array): [Attribute[], Attribute[]] {
  const numbers = decodeDerSequence(pkcs1)
    .slice(1)
    .map(({ content }) => Buffer.from(content[0] === 0 ? content.subarray(1) : content));
  const types = [
    Attr.modulus,
    Attr.publicExponent,
    Attr.privateExponent,
    Attr.prime1,
    Attr.prime2,
    Attr.exponent1,
    Attr.exponent2,
    Attr.coefficient,
  ];
  const parts: Attribute[] = types.map((type, index) => ({ type, value: numbers[index] ?? Buffer.alloc(0) }));
  const shape: Attribute = { type: Attr.keyType, value: KeyType.rsa };
  return [
    [classOf(ObjectClass.publicKey), ...publicPart(label, id), shape, ...parts.slice(0, 2)],
    [classOf(ObjectClass.privateKey), ...privatePart(label, id), shape, ...parts],
  ];
}

/** Overwrites every byte that a template carries (S5). */
export function wipeTemplate(template: readonly Attribute[]): void {
  wipe(...template.flatMap(({ value }) => (value instanceof Uint8Array ? [value] : [])));
}

function classOf(value: number): Attribute {
  return { type: Attr.class, value };
}

function publicPart(label: string, id: Uint8Array): Attribute[] {
  return [
    { type: Attr.token, value: true },
    { type: Attr.private, value: false },
    { type: Attr.label, value: Buffer.from(encodeUtf8(label)) },
    { type: Attr.id, value: Buffer.from(id) },
    { type: Attr.verify, value: true },
  ];
}

function privatePart(label: string, id: Uint8Array): Attribute[] {
  return [
    { type: Attr.token, value: true },
    { type: Attr.private, value: true },
    { type: Attr.sensitive, value: true },
    { type: Attr.extractable, value: false },
    { type: Attr.label, value: Buffer.from(encodeUtf8(label)) },
    { type: Attr.id, value: Buffer.from(id) },
    { type: Attr.sign, value: true },
  ];
}
