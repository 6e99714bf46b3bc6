// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import {
  decodeHex,
  decodeJson,
  encodeCanonicalJson,
  encodeHex,
  encodeUtf8,
  type JsonObject,
} from '../../src/encoding/index.ts';
import { canonicalKeyId, keyId, notaryV1 } from '../../src/tuf/index.ts';
import { readVector, readVectorJson } from '../support/vectors.ts';

interface OracleCase {
  readonly id: string;
  readonly where: string;
  readonly input_hex: string;
  readonly canonical_hex: string | null;
}

/** The original reads these as U+FFFD or takes the last of two; strict reading refuses them (docs/compatibility.md). */
const REFUSED_BY_STRICT_READING =
  /^(lone-(high|low)-surrogate|swapped-surrogates|invalid-utf8.*|overlong-utf8|duplicate-keys.*)$/;

describe('canonical bytes as the original server computes them', () => {
  for (const entry of readVectorJson('canonical/oracle.json').cases as OracleCase[]) {
    const isKey = entry.where.startsWith('name');
    test(`${entry.id} as ${isKey ? 'object key' : 'value'}`, () => {
      const input = decodeHex(entry.input_hex);
      const document = isKey ? Buffer.concat([encodeUtf8('{'), input, encodeUtf8(':0}')]) : input;
      const canonical = () => encodeHex(encodeCanonicalJson(decodeJson(document)));
      if (entry.canonical_hex === null || REFUSED_BY_STRICT_READING.test(entry.id)) {
        expect(canonical).toThrow(expect.objectContaining({ name: 'DecodeError' }));
      } else {
        expect(canonical()).toBe(isKey ? `7b${entry.canonical_hex}3a307d` : entry.canonical_hex);
      }
    });
  }
});

describe('key IDs', () => {
  const { keys } = readVectorJson('canonical/key-ids.json');
  test('every recorded key has the recorded ID and the recorded ID of its bare key', () => {
    expect(keys.length).toBeGreaterThan(20);
    for (const entry of keys) {
      const key = { type: entry.key.keytype, bytes: Buffer.from(entry.key.keyval.public, 'base64') };
      expect(keyId(key) as string).toBe(entry.key_id);
      if (entry.canonical_key_id !== undefined) expect(canonicalKeyId(key) as string).toBe(entry.canonical_key_id);
    }
  });
});

describe('odd names and custom data published by the original CLI', () => {
  const { cases } = readVectorJson('canonical/client-signed.json');
  for (const entry of cases.filter((candidate: { file?: string | null }) => typeof candidate.file === 'string')) {
    test(`${entry.id} is read, and written again to the same bytes`, () => {
      const file = readVector(`canonical/${entry.file}`);
      const envelope = notaryV1.decode('targets', file);
      expect(encodeHex(envelope.signedBytes)).toBe(entry.canonical_signed_hex);
      expect(encodeHex(notaryV1.encode(envelope))).toBe(encodeHex(file));
      expect(encodeHex(notaryV1.encodeSigned({ ...envelope.signed }))).toBe(
        expectedRewrite(envelope.signedBytes, file),
      );
    });
  }
});

/** Times lose what a millisecond cannot hold when a body is written anew; everything else stays. */
function expectedRewrite(signedBytes: Uint8Array, file: Uint8Array): string {
  const expires = ((decodeJson(file) as JsonObject).get('signed') as JsonObject).get('expires') as string;
  const cut = new Date(expires).toISOString().replace(/\.?0*Z$/, 'Z');
  return encodeHex(encodeUtf8(new TextDecoder().decode(signedBytes).replace(expires, cut)));
}
