// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import {
  DecodeError,
  decodeHex,
  decodePem,
  encodeUtf8,
  type JsonObject,
  type JsonValue,
} from '../../../encoding/index.ts';
import { type PublicKey, publicText } from '../../keys.ts';
import { objectField, stringField } from '../fields.ts';

/** SPKI DER before the 65 bytes of an uncompressed point on P-256. */
const P256_SPKI = decodeHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');
const P256_POINT = /^04[0-9a-fA-F]{128}$/;

/**
 * A key object such as `{"keytype":"ecdsa","scheme":"ecdsa-sha2-nistp256","keyval":{"public":"-----BEGIN …"}}`. A key that
 * nobody here can use is kept and verifies nothing, so that others may still reach the threshold.
 * @throws MetadataError `malformed`
 */
export function decodeKey(object: JsonObject): PublicKey {
  const type = stringField(object, 'keytype');
  const scheme = stringField(object, 'scheme');
  const text = stringField(objectField(object, 'keyval'), 'public');
  return { type: algorithmOf(type, scheme), scheme, bytes: bytesOf(type, text) };
}

/** The first repositories of Sigstore named the scheme as the type. */
function algorithmOf(type: string, scheme: string): string {
  return type === scheme && type.startsWith('ecdsa-sha2-') ? 'ecdsa' : type;
}

function bytesOf(type: string, text: string): Uint8Array {
  try {
    if (type === 'ed25519') return decodeHex(text.toLowerCase());
    if (P256_POINT.test(text)) return new Uint8Array(Buffer.concat([P256_SPKI, decodeHex(text.toLowerCase())]));
    const [block] = decodePem(text);
    if (block !== undefined) return block.label === 'RSA PUBLIC KEY' ? spkiOfPkcs1(block.bytes) : block.bytes;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return encodeUtf8(text);
}

/** The same RSA key in the form of all others; where it is damaged, its bytes as they are. */
function spkiOfPkcs1(bytes: Uint8Array): Uint8Array {
  try {
    const key = createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs1' });
    return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
  } catch {
    // node:crypto has untyped errors alone
    return bytes;
  }
}

export function keyObject(key: PublicKey): JsonValue {
  return new Map<string, JsonValue>([
    ['keytype', key.type],
    ['keyval', new Map([['public', publicText(key)]])],
    ['scheme', key.scheme ?? ''],
  ]);
}
