// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { CompactEncrypt } from 'jose';
import { recordedServiceKeys as vectors } from '../../../test/support/recorded-service-keys.ts';
import { encodeBase64, encodeUtf8 } from '../../encoding/index.ts';
import { ServiceKeyError } from './index.ts';
import { unwrapKey, wrapKey } from './jwe.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ServiceKeyError) return error.code;
    throw error;
  }
  return 'none';
}

const header = (jwe: string) => JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString());

describe('keys at rest', () => {
  test('S37 every key of both recorded signer databases opens, written by jose2go as it was', async () => {
    for (const { jwe, passphrase, plain } of vectors) {
      expect(encodeBase64(await unwrapKey(jwe, passphrase))).toBe(plain);
    }
    expect(vectors.length).toBe(20);
  });

  test("what is written has the original's header, and a salt of its own", async () => {
    const one = await wrapKey(encodeUtf8('secret'), 'passphrase');
    const two = await wrapKey(encodeUtf8('secret'), 'passphrase');

    const { p2s, ...others } = header(one);
    const { p2s: original, ...theirs } = header(vectors[0]?.jwe ?? '');
    expect(others).toEqual(theirs);
    expect(p2s.length).toBe(original.length);
    expect(header(two).p2s).not.toBe(p2s);
    expect(await unwrapKey(one, 'passphrase')).toEqual(encodeUtf8('secret'));
  });

  test('a wrong passphrase and a changed ciphertext are typed errors', async () => {
    const jwe = await wrapKey(encodeUtf8('secret'), 'passphrase');
    const parts = jwe.split('.');
    const changed = [
      ...parts.slice(0, 3),
      `${parts[3]?.startsWith('A') ? 'B' : 'A'}${parts[3]?.slice(1)}`,
      parts[4],
    ].join('.');

    expect(await codeOf(unwrapKey(jwe, 'passphrasf'))).toBe('wrong-passphrase');
    expect(await codeOf(unwrapKey(changed, 'passphrase'))).toBe('wrong-passphrase');
    expect(await codeOf(unwrapKey('no token', 'passphrase'))).toBe('malformed');
    expect(await codeOf(unwrapKey(jwe.slice(0, -8), 'passphrase'))).not.toBe('none');
  });

  test('another algorithm, and rounds that would take minutes, are refused', async () => {
    const secret = encodeUtf8('passphrase');
    const direct = await new CompactEncrypt(encodeUtf8('x'))
      .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM' })
      .encrypt(secret);
    const [, ...rest] = vectors[0]?.jwe.split('.') ?? [];
    const long = Buffer.from(JSON.stringify({ ...header(vectors[0]?.jwe ?? ''), p2c: 2 ** 30 })).toString('base64url');

    expect(await codeOf(unwrapKey(direct, 'passphrase'))).toBe('malformed');
    expect(await codeOf(unwrapKey([long, ...rest].join('.'), 'passphrase'))).toBe('malformed');
  });
});
