// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  DerTag,
  decodeDer,
  decodeDerInteger,
  decodeDerSequence,
  decodeObjectId,
  encodeDer,
  encodeDerInteger,
  encodeObjectId,
} from './der.ts';
import { DecodeError } from './errors.ts';

const bytes = (...values: readonly number[]) => Uint8Array.from(values);
const refused = (run: () => unknown) => expect(run).toThrow(DecodeError);
const integer = (raw: Uint8Array) => decodeDerInteger(decodeDer(raw, DerTag.integer));
const objectId = (raw: Uint8Array) => decodeObjectId(decodeDer(raw, DerTag.objectId));

describe('a DER value', () => {
  test('is written and read again, at every size of length', () => {
    for (const size of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000]) {
      const content = new Uint8Array(size).fill(7);
      const value = decodeDer(encodeDer(DerTag.octetString, content), DerTag.octetString);
      expect(value.content).toEqual(content);
    }
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (contents) => {
        const sequence = encodeDer(
          DerTag.sequence,
          ...contents.map((content) => encodeDer(DerTag.octetString, content)),
        );
        expect(decodeDerSequence(sequence).map(({ content }) => content)).toEqual(contents);
      }),
    );
  });

  test('has the shortest length', () => {
    refused(() => decodeDer(bytes(0x04, 0x81, 0x01, 0), DerTag.octetString));
    refused(() => decodeDer(bytes(0x04, 0x81, 0x7f, ...new Uint8Array(0x7f)), DerTag.octetString));
    refused(() => decodeDer(bytes(0x04, 0x82, 0x00, 0x80, ...new Uint8Array(0x80)), DerTag.octetString));
    refused(() => decodeDer(bytes(0x04, 0x82, 0x00, 0xff, ...new Uint8Array(0xff)), DerTag.octetString));
  });

  test('has a definite length of at most four bytes', () => {
    refused(() => decodeDer(bytes(0x30, 0x80, 0, 0), DerTag.sequence));
    refused(() => decodeDer(bytes(0x04, 0x85, 1, 0, 0, 0, 0), DerTag.octetString));
    refused(() => decodeDer(bytes(0x04, 0xff), DerTag.octetString));
  });

  test('is refused cut off, with bytes after it, or with another tag', () => {
    const whole = encodeDer(DerTag.octetString, new Uint8Array(300));
    for (let length = 0; length < whole.length; length++)
      refused(() => decodeDer(whole.subarray(0, length), DerTag.octetString));
    refused(() => decodeDer(bytes(...whole, 0), DerTag.octetString));
    refused(() => decodeDer(whole, DerTag.integer));
    refused(() => decodeDer(bytes(0x1f, 0x81, 0x01, 0), 0x1f));
    refused(() => decodeDerSequence(bytes(0x30, 3, 0x04, 5, 0)));
  });

  test('S22 any bytes give values or a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...Object.values(DerTag)), (input, tag) => {
        for (const read of [
          () => decodeDerSequence(input, tag),
          () => objectId(input),
          () => integer(input),
          () => decodeDerSequence(bytes(tag, input.length, ...input), tag),
        ]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a DER integer', () => {
  test('is written and read again', () => {
    for (const value of [0, 1, 127, 128, 255, 256, 2048, 2 ** 32, 2 ** 47 - 1])
      expect(integer(encodeDerInteger(value))).toBe(value);
    expect(encodeDerInteger(128)).toEqual(bytes(2, 2, 0, 128));
  });

  test('is refused negative, empty, too large, in more bytes than it needs, or under another tag', () => {
    for (const raw of [
      bytes(2, 1, 0x80),
      bytes(2, 0),
      bytes(2, 7, 1, 0, 0, 0, 0, 0, 0),
      bytes(2, 2, 0, 1),
      bytes(2, 2, 0, 0),
    ])
      refused(() => integer(raw));
    refused(() => decodeDerInteger(decodeDer(bytes(4, 1, 1), DerTag.octetString)));
  });
});

describe('a DER object identifier', () => {
  test('is written and read again', () => {
    for (const id of [
      '0.0',
      '0.39',
      '1.0',
      '1.2.840.113549.1.5.13',
      '2.5.4.3',
      '2.5.29.37.0',
      '2.47.1',
      '2.100.3',
      '1.3.6.1.4.1.311.60.2.1.3',
    ])
      expect(objectId(encodeObjectId(id))).toBe(id);
  });

  test('is refused empty, cut off, out of range, or in more bytes than it needs', () => {
    for (const raw of [
      bytes(6, 0),
      bytes(6, 1, 0x80),
      bytes(6, 2, 0x2a, 0x86),
      bytes(6, 3, 0x2a, 0x80, 1),
      bytes(6, 2, 0x80, 0x2a),
      bytes(6, 10, 0x2a, ...new Uint8Array(8).fill(0xff), 1),
    ])
      refused(() => objectId(raw));
    refused(() => decodeObjectId(decodeDer(bytes(2, 1, 1), DerTag.integer)));
  });
});
