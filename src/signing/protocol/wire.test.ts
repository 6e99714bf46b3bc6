// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { DecodeError, decodeHex, encodeHex, encodeUtf8 } from '../../encoding/index.ts';
import { CREATE_KEY, GET_KEY_INFO, HEALTH_CHECK, SIGN } from './index.ts';

const CODECS: readonly { decode(bytes: Uint8Array): object }[] = [CREATE_KEY, GET_KEY_INFO, HEALTH_CHECK, SIGN].flatMap(
  ({ request, response }) => [request, response],
);
const text = (value: string) => encodeHex(encodeUtf8(value));
const decode = (hex: string) => SIGN.request.decode(decodeHex(hex));

describe('messages on the wire', () => {
  test('are spelled as the format has them: tag, length, payload, in the order of the numbers', () => {
    const create = CREATE_KEY.request.encode({ algorithm: 'ecdsa', gun: 'a/b', role: 'timestamp' });
    expect(encodeHex(create)).toBe(`0a05${text('ecdsa')}1203${text('a/b')}1a09${text('timestamp')}`);
    const sign = SIGN.request.encode({ keyId: { id: 'id' }, content: new Uint8Array(200) });
    expect(encodeHex(sign)).toBe(`0a040a02${text('id')}12c801${'00'.repeat(200)}`);
    expect(encodeHex(HEALTH_CHECK.response.encode({ status: 300 }))).toBe('08ac02');
  });

  test('what has the value that is meant by absence is left out; a message inside is not', () => {
    expect(CREATE_KEY.request.encode({ algorithm: '', gun: '', role: '' }).length).toBe(0);
    expect(encodeHex(SIGN.request.encode({ keyId: { id: '' }, content: new Uint8Array() }))).toBe('0a00');
    expect(decode('')).toEqual({ keyId: undefined, content: new Uint8Array() });
    expect(decode('0a00').keyId).toEqual({ id: '' });
    expect(HEALTH_CHECK.response.decode(new Uint8Array())).toEqual({ status: 0 });
  });

  test('the last of several values counts; pieces of a message inside are one', () => {
    const twice = HEALTH_CHECK.request.decode(decodeHex(`0a01${text('a')}0a01${text('b')}`));
    expect(twice.service).toBe('b');
    const { keyInfo } = GET_KEY_INFO.response.decode(decodeHex(`0a040a020a000a0412020a00`));
    expect(keyInfo).toEqual({ keyId: { id: '' }, algorithm: { algorithm: '' } });
  });

  test('unknown fields of every form are passed over, and so is a known one of another form', () => {
    const unknown = ['f80107', `f901${'00'.repeat(8)}`, 'fa0102ffff', 'fd0100000000', '0807', '10ffffffffffffffffff01'];
    for (const field of unknown) expect(decode(`${field}12016d${field}`).content).toEqual(encodeUtf8('m'));
  });

  test.each([
    ['cut off in a length', '0a'],
    ['cut off in a payload', '0a05aa'],
    ['cut off in a tag', '80'],
    ['a fixed number cut off', 'f901000000'],
    ['a length beyond all memory', '0affffffffffffffffff01'],
    ['a varint of eleven bytes', '12ffffffffffffffffffff01'],
    ['no field number', '0000'],
    ['groups', '0b0c'],
    ['an unknown wire type', '0e'],
    ['text that is no UTF-8, in a message inside', '0a030a01ff'],
    ['a message inside that is none', '0a0180'],
  ])('S22 %s is a typed error', (_, hex) => {
    expect(() => decode(hex)).toThrow(DecodeError);
  });

  test('S22 whatever bytes arrive, the answer is a message or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const codec of CODECS)
          try {
            codec.decode(bytes);
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error;
          }
      }),
      { numRuns: 2000 },
    );
  });

  test('what is written is read again', () => {
    const string = fc.string({ unit: 'grapheme', maxLength: 40 });
    const bytes = fc.uint8Array({ maxLength: 300 });
    const keyInfo = fc.record({
      keyId: fc.option(fc.record({ id: string }), { nil: undefined }),
      algorithm: fc.option(fc.record({ algorithm: string }), { nil: undefined }),
    });
    const response = fc.record({
      keyInfo: fc.option(keyInfo, { nil: undefined }),
      publicKey: bytes,
      role: string,
      gun: string,
      state: fc.nat(),
    });
    fc.assert(
      fc.property(response, (message) => {
        const { publicKey, ...rest } = GET_KEY_INFO.response.decode(GET_KEY_INFO.response.encode(message));
        expect({ ...rest, publicKey: new Uint8Array(publicKey) }).toEqual(message);
      }),
    );
  });
});
