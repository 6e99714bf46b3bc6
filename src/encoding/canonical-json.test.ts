// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalText, encodeCanonicalJson, htmlEscape } from './canonical-json.ts';
import { DecodeError } from './errors.ts';
import { decodeJson, JsonNumber, type JsonValue } from './json.ts';
import { encodeUtf8 } from './text.ts';

/** Values with names and strings from every region of Unicode, safe integers and no fraction. */
const names = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('a', '"', '\\', '\n', '\0', '<', 'é', '\uffff', '\ue000', '😀', '\ud7ff', '__proto__'),
  }),
);
const { value: values } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, false),
    fc.maxSafeInteger(),
    names,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(names, tie('value')), { selector: ([name]) => name, maxLength: 5 })
      .map((entries) => new Map(entries)),
  ),
}));

/** A second implementation, of bytes instead of strings, slow and plain. */
function naive(value: JsonValue): Buffer {
  if (typeof value === 'string') {
    const bytes = [...Buffer.from(value)].flatMap((byte) => (byte === 0x22 || byte === 0x5c ? [0x5c, byte] : [byte]));
    return Buffer.from([0x22, ...bytes, 0x22]);
  }
  if (value instanceof Map) {
    const members = [...value].map(([name, member]) => ({
      name: Buffer.from(name),
      text: [naive(name), Buffer.from(':'), naive(member)],
    }));
    members.sort((a, b) => Buffer.compare(a.name, b.name));
    return Buffer.concat([
      Buffer.from('{'),
      ...members.flatMap(({ text }, at) => (at === 0 ? text : [Buffer.from(','), ...text])),
      Buffer.from('}'),
    ]);
  }
  if (Array.isArray(value))
    return Buffer.concat([
      Buffer.from('['),
      ...value.flatMap((member, at) => (at === 0 ? [naive(member)] : [Buffer.from(','), naive(member)])),
      Buffer.from(']'),
    ]);
  return Buffer.from(typeof value === 'number' ? BigInt(value).toString() : String(value));
}

describe('canonical JSON', () => {
  test('is what a second implementation writes', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(Buffer.from(encodeCanonicalJson(value)).equals(naive(value))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('does not depend on the order of the members', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(names, values), { selector: ([name]) => name }), (entries) => {
        expect(canonicalText(new Map(entries.toReversed()))).toBe(canonicalText(new Map(entries)));
      }),
    );
  });

  test('is read and written again to the same bytes, where no control character stands in it', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeCanonicalJson(value);
        // a control character is written raw, which is canonical and no JSON
        if (bytes.some((byte) => byte < 0x20)) expect(() => decodeJson(bytes)).toThrow(DecodeError);
        else expect(encodeCanonicalJson(decodeJson(bytes))).toEqual(bytes);
      }),
    );
  });

  test('sorts names by their UTF-8 bytes, where UTF-16 order is another', () => {
    const members = ['😀', '\uffff', '\ue000', '\ud7ff', 'é', 'z', 'aa', 'a', 'B', ''];

    expect(canonicalText(new Map(members.map((name) => [name, 0])))).toBe(
      '{"":0,"B":0,"a":0,"aa":0,"z":0,"é":0,"\ud7ff":0,"\ue000":0,"\uffff":0,"😀":0}',
    );
  });

  test('escapes the quote and the backslash and nothing else', () => {
    expect(canonicalText('"\\/\n\0<>&é\u2028')).toBe('"\\"\\\\/\n\0<>&é\u2028"');
  });

  test('writes numbers as the integers that Go makes of a double', () => {
    for (const [text, written] of [
      ['1e3', '1000'],
      ['-0', '0'],
      ['1.0', '1'],
      ['9007199254740993', '9007199254740992'],
      ['9223372036854775808', '-9223372036854775808'],
      ['1e300', '-9223372036854775808'],
      ['-9223372036854775808', '-9223372036854775808'],
    ] as const)
      expect(canonicalText(new JsonNumber(text))).toBe(written);
    expect(canonicalText(-0)).toBe('0');
  });

  test('has no fractions', () => {
    for (const value of [new JsonNumber('1.5'), new JsonNumber('1e-7'), 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => canonicalText(value)).toThrow(DecodeError);
  });
});

describe('the stored form', () => {
  test('spells what could end a script, and nothing else', () => {
    expect(htmlEscape('"<a>&b\u2028\u2029é/\u2027"')).toBe('"\\u003ca\\u003e\\u0026b\\u2028\\u2029é/\u2027"');
    expect(htmlEscape('plain')).toBe('plain');
  });

  test('means the same', () => {
    fc.assert(
      fc.property(values, (value) => {
        const canonical = canonicalText(value);
        if (encodeUtf8(canonical).some((byte) => byte < 0x20)) return;
        expect(decodeJson(encodeUtf8(htmlEscape(canonical)))).toEqual(decodeJson(encodeUtf8(canonical)));
      }),
    );
  });
});
