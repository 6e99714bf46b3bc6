// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalText } from './canonical-json.ts';
import { DecodeError } from './errors.ts';
import { decodeJson, decodeJsonMembers, decodeJsonObject, JsonNumber, type JsonValue } from './json.ts';
import { encodeUtf8 } from './text.ts';

const decode = (text: string) => decodeJson(encodeUtf8(text));

function refusedAt(text: string, offset?: number): void {
  try {
    decode(text);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    if (offset !== undefined) expect(error).toMatchObject({ offset });
    return;
  }
  throw new Error(`read ${JSON.stringify(text)}`);
}

/** JavaScript's own objects as the values that the reader makes. */
function toValue(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(toValue);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([key, member]) => [key, toValue(member)]));
  if (typeof value === 'number' && (!Number.isSafeInteger(value) || Object.is(value, -0)))
    return new JsonNumber(JSON.stringify(value));
  return value as JsonValue;
}

describe('decodeJson', () => {
  test('reads every kind of value, with white space around', () => {
    expect(decode(' \t\r\n{ "a" : [ null , true , false , 1 , "x" , { } , [ ] ] } \n')).toEqual(
      new Map([['a', [null, true, false, 1, 'x', new Map(), []]]]),
    );
  });

  test('reads what JSON.parse reads, as the same values', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.constantFrom(undefined, 2), (text, indent) => {
        const parsed: unknown = JSON.parse(text);
        const spelled = JSON.stringify(parsed, null, indent);
        expect(decode(spelled)).toEqual(toValue(parsed));
      }),
    );
  });

  test('S22 any bytes give a value or a DecodeError, and never accept what JSON.parse refuses', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0d8e-+.1eE tfn"') }).map(encodeUtf8),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          decodeJson(input);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          return;
        }
        JSON.parse(new TextDecoder().decode(input));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('S11 what two readers could read differently is refused', () => {
  test('a key twice, in any spelling and at any depth, named by its place', () => {
    refusedAt('{"a":1,"a":2}', 7);
    refusedAt('{"a":1,"\\u0061":2}', 7);
    refusedAt('[{"b":{"":1,"":1}}]', 12);
    expect(decode('{"a":1,"A":2}')).toEqual(
      new Map([
        ['a', 1],
        ['A', 2],
      ]),
    );
  });

  test('bytes after the document', () => {
    for (const text of ['{}{}', '{} x', '1 2', '[],', 'null\0', '""\ufeff']) refusedAt(text);
  });

  test('a byte order mark', () => {
    refusedAt('\ufeff{}', 0);
  });

  test('text that is not well-formed UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc3, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
    ])
      expect(() => decodeJson(Uint8Array.from(bytes))).toThrow(DecodeError);
  });

  test('half a surrogate pair, as an escape, in values and in keys', () => {
    for (const text of ['"\\ud800"', '"\\udc00"', '"\\udc00\\ud800"', '"a\\ud800b"', '{"\\ud800":1}']) refusedAt(text);
    expect(decode('"\\ud83d\\ude00"')).toBe('😀');
  });

  test('control characters in strings', () => {
    for (let code = 0; code < 0x20; code++) refusedAt(`"a${String.fromCharCode(code)}"`, 2);
    expect(decode('"\x7f\\u0000"')).toBe('\x7f\0');
  });

  test('bad escapes', () => {
    for (const text of ['"\\x41"', '"\\u12"', '"\\u12g4"', '"\\U0041"', '"\\', '"\\"', "'a'"]) refusedAt(text);
    expect(decode('"\\"\\\\\\/\\b\\f\\n\\r\\t"')).toBe('"\\/\b\f\n\r\t');
  });

  test('anything cut off', () => {
    const text = '{"a":[1,{"b":"c\\u0041"}],"d":true}';
    for (let length = 0; length < text.length; length++) refusedAt(text.slice(0, length));
  });

  test('what other dialects of JSON allow', () => {
    for (const text of [
      '',
      ' ',
      '{a:1}',
      '[1,]',
      '{"a":1,}',
      '[,1]',
      '// x\n1',
      '/**/1',
      'NaN',
      'Infinity',
      '-Infinity',
      'undefined',
      'True',
      'nul',
      '\u00a01',
      '\v1',
      '"\u2028',
    ])
      refusedAt(text);
  });
});

describe('numbers', () => {
  test('that are safe integers come as numbers', () => {
    for (const value of [0, 1, -1, 2 ** 53 - 1, -(2 ** 53 - 1)]) expect(decode(String(value))).toBe(value);
  });

  test('that a double would change, or that are spelled oddly, keep their spelling', () => {
    for (const text of [
      '9007199254740992',
      '9007199254740993',
      '1.5',
      '1e3',
      '1E3',
      '1.0',
      '-0',
      '18446744073709551616',
      '1e-7',
      '0.1',
    ])
      expect(decode(text)).toEqual(new JsonNumber(text));
  });

  test('that are no JSON numbers are refused', () => {
    for (const text of ['01', '+1', '.5', '1.', '-', '1e', '1e+', '0x10', '1_000', '--1', '1e400', '-1e400', '٣'])
      refusedAt(text);
  });
});

describe('S23 limits', () => {
  test('of depth: 64 unless told otherwise, and a deeper text costs nothing', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    decode(nested(64));
    refusedAt(nested(65), 64);
    refusedAt('['.repeat(5_000_000));
    refusedAt('{"a":'.repeat(1_000_000));
    expect(() => decodeJson(encodeUtf8(nested(3)), { depth: 2 })).toThrow('nested deeper than 2');
  });

  test('of the number of values', () => {
    decodeJson(encodeUtf8('[1,[2]]'), { values: 4 });
    expect(() => decodeJson(encodeUtf8('[1,[2,3]]'), { values: 4 })).toThrow('too many JSON values');
  });
});

describe('objects', () => {
  test('keep names that JavaScript gives a meaning as data', () => {
    const object = decodeJsonObject(encodeUtf8('{"__proto__":{"polluted":1},"constructor":2,"toString":3}'));

    expect([...object.keys()]).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('are asked for by decodeJsonObject', () => {
    for (const text of ['[]', 'null', '1', '"{}"', 'true'])
      expect(() => decodeJsonObject(encodeUtf8(text))).toThrow('not a JSON object');
  });
});

describe('the canonical text of a member', () => {
  const json = (value: unknown, space?: number) => encodeUtf8(JSON.stringify(value, null, space));

  test('is what canonical JSON would write, wherever it is given', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1), (document, space) => {
        for (const [, { value, canonical }] of decodeJsonMembers(json(document, space))) {
          if (canonical !== undefined) expect(canonical).toBe(canonicalText(value));
        }
      }),
    );
  });

  test('is given for canonical members, though their own order is not', () => {
    const members = decodeJsonMembers(encodeUtf8('{"signed":{"a":[1,true,null],"b":{"c":"x"}},"signatures":[]}'));
    expect(members.get('signed')?.canonical).toBe('{"a":[1,true,null],"b":{"c":"x"}}');
    expect(members.get('signatures')?.canonical).toBe('[]');
  });

  for (const odd of [
    '{"b":1,"a":2}',
    '{"a": 1}',
    '{"a":1 }',
    '[1 ,2]',
    '1.0',
    '1e3',
    '-0',
    '"\\u003c"',
    '"\ud83d\ude00"',
    '{"x":{"b":1,"a":2}}',
  ]) {
    test(`is not given for ${odd}`, () => {
      expect(decodeJsonMembers(encodeUtf8(`{"signed":${odd}}`)).get('signed')?.canonical).toBeUndefined();
    });
  }
});
