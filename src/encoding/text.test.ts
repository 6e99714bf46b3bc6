// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { DecodeError } from './errors.ts';
import {
  compareUtf8,
  decodeBase64,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  equalBytes,
  quoteText,
} from './text.ts';

const bytes = fc.uint8Array({ maxLength: 70 });

describe('base64', () => {
  test('writes and reads the same bytes, also of a view into others', () => {
    fc.assert(
      fc.property(bytes, fc.nat(5), (input, from) => {
        const view = input.subarray(Math.min(from, input.length));
        expect(decodeBase64(encodeBase64(view))).toEqual(view.slice());
      }),
    );
  });

  test('has one spelling: whatever is read is written again the same', () => {
    const text = fc.string({
      unit: fc.constantFrom('A', 'B', 'z', '9', '+', '/', '=', '-', '_', '\n', ' '),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (input) => {
        try {
          expect(encodeBase64(decodeBase64(input))).toBe(input);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  for (const text of [
    'A',
    'AA',
    'AAA',
    'AA=',
    'A===',
    '====',
    'AA==AA==',
    'AAAA\n',
    ' AAAA',
    'AA AA',
    'AB==',
    'AAB=',
    '-_-_',
    'AAA\u00e9',
    'AAAA=',
    '=AAA',
  ])
    test(`${JSON.stringify(text)} is refused`, () => {
      expect(() => decodeBase64(text)).toThrow(DecodeError);
    });
});

describe('hex', () => {
  test('writes and reads the same bytes', () => {
    fc.assert(fc.property(bytes, (input) => expect(decodeHex(encodeHex(input))).toEqual(input)));
  });

  for (const text of ['0', '0g', 'AB', 'aB', '0x00', ' 00', '00\n', '٠٠'])
    test(`${JSON.stringify(text)} is refused`, () => {
      expect(() => decodeHex(text)).toThrow(DecodeError);
    });
});

describe('UTF-8', () => {
  test('keeps a byte order mark as a character, and refuses what is not well-formed', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
    for (const bad of [[0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc3]])
      expect(() => decodeUtf8(Uint8Array.from(bad))).toThrow(DecodeError);
  });

  test('order is that of the bytes', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('equalBytes', () => {
  test('compares content and length, not identity', () => {
    expect(equalBytes(encodeUtf8('ab'), encodeUtf8('xab').subarray(1))).toBe(true);
    expect(equalBytes(encodeUtf8('ab'), encodeUtf8('ac'))).toBe(false);
    expect(equalBytes(encodeUtf8('ab'), encodeUtf8('abc'))).toBe(false);
  });
});

describe('quoteText', () => {
  test('makes foreign text harmless for a terminal and short', () => {
    expect(quoteText('a"b\\')).toBe('"a\\"b\\\\"');
    expect(quoteText('\x1b[2J\n\x7f\x9b31m')).toBe('"\\u001b[2J\\n\\u{7f}\\u{9b}31m"');
    expect(quoteText('evil\u202egpj\u2028\u200b')).toBe('"evil\\u{202e}gpj\\u{2028}\\u{200b}"');
    expect(quoteText('x'.repeat(1000), 3)).toBe('"xxx"');
  });

  test('has nothing in it that a terminal obeys, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => expect(quoteText(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u)),
    );
  });
});
