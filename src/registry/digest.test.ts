// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { encodeUtf8 } from '../encoding/index.ts';
import { checkContent, checkedContent, digestOf, isDigest, parseDigest, shortDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { collect } from './streams.ts';

const hello = encodeUtf8('hello');
const expected = { digest: digestOf(hello), size: hello.length };

async function* of(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield encodeUtf8(text);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RegistryError);
  return (error as RegistryError).code;
}

describe('content is what its digest and its length say', () => {
  test('digests are lower-case hex of one length', () => {
    expect(expected.digest as string).toBe('sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    expect(shortDigest(expected.digest)).toBe('2cf24dba5fb0');
    expect(isDigest(digestOf(hello, 'sha512'))).toBe(true);
    for (const text of [expected.digest.toUpperCase(), `${expected.digest}0`, 'sha256:', `md5:${'a'.repeat(32)}`]) {
      expect(isDigest(text)).toBe(false);
      expect(() => parseDigest(text)).toThrow('invalid checksum digest format');
    }
  });

  test('right content passes, in any pieces', async () => {
    expect(await collect(checkedContent(of('he', '', 'llo'), expected), 10)).toEqual(hello);
    const sha512 = { digest: digestOf(hello, 'sha512'), size: 5 };
    expect(await collect(checkedContent(of('hello'), sha512), 10)).toEqual(hello);
  });

  test('S24 altered content is refused', async () => {
    expect(await codeOf(collect(checkedContent(of('hallo'), expected), 10))).toBe('digest-mismatch');
    expect(() => checkContent(encodeUtf8('hallo'), expected)).toThrow(RegistryError);
  });

  test('S24 truncated content is refused, though every byte was right', async () => {
    expect(await codeOf(collect(checkedContent(of('hell'), expected), 10))).toBe('length-mismatch');
  });

  test('S23 endless content is cut off at the first byte too many', async () => {
    let pulled = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        yield hello;
      }
    };
    expect(await codeOf(collect(checkedContent(endless(), expected), 1e9))).toBe('length-mismatch');
    expect(pulled).toBe(2);
  });

  test('S24 a length that the digest does not have is refused in both directions', () => {
    expect(() => checkContent(hello, { ...expected, size: 4 })).toThrow('more than 4 bytes');
    expect(() => checkContent(hello, { ...expected, size: 6 })).toThrow('5 bytes instead of 6');
  });
});
