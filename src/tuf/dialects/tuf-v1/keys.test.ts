// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { refused } from '../../../../test/support/refusals.ts';
import { signByScheme } from '../../../../test/support/test-keys.ts';
import { encodeUtf8, type JsonObject } from '../../../encoding/index.ts';
import { isSignatureValid } from '../../crypto.ts';
import { keyId, type PublicKey, verifyingKey } from '../../keys.ts';
import { decodeKey, keyObject } from './keys.ts';

const MESSAGE = encodeUtf8('message');

function object(keytype: string, scheme: string, text: string): JsonObject {
  return new Map<string, string | JsonObject>([
    ['keytype', keytype],
    ['scheme', scheme],
    ['keyval', new Map([['public', text]])],
  ]) as JsonObject;
}

const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const [p256, p384, p521] = [curve('prime256v1'), curve('secp384r1'), curve('secp521r1')];
const ed = generateKeyPairSync('ed25519');
const edHex = ed.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

function counts(key: PublicKey, bytes: Uint8Array): boolean {
  return isSignatureValid(key, MESSAGE, { keyId: keyId(key), method: '', bytes });
}

const GOOD: readonly (readonly [string, string, string, KeyObject])[] = [
  ['ed25519', 'ed25519', edHex, ed.privateKey],
  ['ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey), p256.privateKey],
  ['ecdsa', 'ecdsa-sha2-nistp384', pem(p384.publicKey), p384.privateKey],
  ['ecdsa', 'ecdsa-sha2-nistp521', pem(p521.publicKey), p521.privateKey],
  ['rsa', 'rsassa-pss-sha256', pem(rsa.publicKey), rsa.privateKey],
  ['rsa', 'rsassa-pss-sha384', pem(rsa.publicKey), rsa.privateKey],
  ['rsa', 'rsassa-pss-sha512', pem(rsa.publicKey), rsa.privateKey],
  ['rsa', 'rsa-pkcs1v15-sha256', pem(rsa.publicKey), rsa.privateKey],
  ['rsa', 'rsa-pkcs1v15-sha384', pem(rsa.publicKey), rsa.privateKey],
  ['rsa', 'rsa-pkcs1v15-sha512', pem(rsa.publicKey), rsa.privateKey],
];

describe('a key of every scheme', () => {
  for (const [type, scheme, text, privateKey] of GOOD) {
    test(`${type} ${scheme}: signs, is read and written`, () => {
      const key = decodeKey(object(type, scheme, text));
      const signature = signByScheme(scheme, privateKey, MESSAGE);

      expect(counts(key, signature)).toBe(true);
      expect(counts(key, signature.with(-1, (signature.at(-1) as number) ^ 1))).toBe(false);
      expect(isSignatureValid(key, encodeUtf8('another'), { keyId: keyId(key), method: '', bytes: signature })).toBe(
        false,
      );
      expect(decodeKey(keyObject(key) as JsonObject)).toEqual(key);
    });
  }

  test('S1 the scheme that the key states counts, and no other of the same key', () => {
    for (const [type, scheme, text, privateKey] of GOOD) {
      const key = decodeKey(object(type, scheme, text));
      for (const [otherType, other] of GOOD) {
        if (otherType !== type || other === scheme || type === 'ecdsa') continue;
        expect(counts(key, signByScheme(other, privateKey, MESSAGE))).toBe(false);
      }
    }
  });

  test('S1 a signature method means nothing beside a scheme', () => {
    const [type, scheme, text, privateKey] = GOOD[1] as (typeof GOOD)[number];
    const key = decodeKey(object(type, scheme, text));
    const raw = new Uint8Array(sign('sha256', MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' }));

    expect(isSignatureValid(key, MESSAGE, { keyId: keyId(key), method: 'ecdsa', bytes: raw })).toBe(false);
  });

  test('PSS with the longest salt counts as well: some signers take it', () => {
    const key = decodeKey(object('rsa', 'rsassa-pss-sha256', pem(rsa.publicKey)));
    const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN };

    expect(counts(key, new Uint8Array(sign('sha256', MESSAGE, { key: rsa.privateKey, ...options })))).toBe(true);
  });
});

describe('a key that nobody can use verifies nothing', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  for (const [what, type, scheme, text, code] of [
    ['an unknown type', 'sphincs', 'sphincs-x', '00', 'unsupported-key'],
    ['an unknown scheme', 'ecdsa', 'ecdsa-md5', pem(p256.publicKey), 'unsupported-key'],
    ['S1 a scheme of another type', 'rsa', 'ed25519', pem(rsa.publicKey), 'unsupported-key'],
    ['S1 another type than the key is', 'rsa', 'rsassa-pss-sha256', pem(p256.publicKey), 'malformed'],
    ['a scheme of another curve', 'ecdsa', 'ecdsa-sha2-nistp256', pem(p384.publicKey), 'unsupported-key'],
    ['a certificate', 'ecdsa-x509', 'ecdsa-sha2-nistp256', 'x', 'malformed'],
    ['an RSA key under 2048 bits', 'rsa', 'rsassa-pss-sha256', pem(weak.publicKey), 'weak-key'],
    ['damaged PEM', 'ecdsa', 'ecdsa-sha2-nistp256', '-----BEGIN PUBLIC KEY-----\nAAAA\n', 'malformed'],
    ['no hex', 'ed25519', 'ed25519', 'zz', 'malformed'],
    ['short hex', 'ed25519', 'ed25519', edHex.slice(2), 'malformed'],
  ] as const)
    test(what, () => {
      const key = decodeKey(object(type, scheme, text));

      refused(() => verifyingKey(key), { name: 'MetadataError', code });
      expect(counts(key, signByScheme('ecdsa-sha2-nistp256', p256.privateKey, MESSAGE))).toBe(false);
    });
});

describe('spellings of other programs', () => {
  test('the scheme as the type', () => {
    const key = decodeKey(object('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', pem(p256.publicKey)));

    expect(counts(key, signByScheme('ecdsa-sha2-nistp256', p256.privateKey, MESSAGE))).toBe(true);
  });

  test('an RSA key as PKCS#1, and a damaged one that counts for nothing', () => {
    const text = rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString();
    const key = decodeKey(object('rsa', 'rsassa-pss-sha256', text));
    const damaged = decodeKey(
      object('rsa', 'rsassa-pss-sha256', '-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n'),
    );

    expect(counts(key, signByScheme('rsassa-pss-sha256', rsa.privateKey, MESSAGE))).toBe(true);
    refused(() => verifyingKey(damaged), { code: 'malformed' });
  });

  test('a point in hex', () => {
    const point = p256.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
    const key = decodeKey(object('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', point));

    expect(counts(key, signByScheme('ecdsa-sha2-nistp256', p256.privateKey, MESSAGE))).toBe(true);
    expect(verifyingKey(key).fingerprint).toBe(
      verifyingKey(decodeKey(object('ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey)))).fingerprint,
    );
  });
});

test('key IDs are the hash of the key object in canonical form', () => {
  // recorded from what the reference implementation makes of these keys
  const text =
    '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKdiL0gYDff33puxk1PH1TzNcnjE7\nNfvezLy+mCTLnDmvxR6LqGBOksoGDJPVGIjRlF9TA0eEdtf1Cq5Csjordg==\n-----END PUBLIC KEY-----\n';
  const id = keyId(decodeKey(object('ecdsa', 'ecdsa-sha2-nistp256', text)));

  expect(id as string).toBe('80966f2f822b4cd8e328f066f7c2bde927382aee2f263b76cee29b920a25f639');
  expect(keyId(decodeKey(object('ed25519', 'ed25519', '11'.repeat(32)))) as string).toBe(
    '484fa77680b5c509d62a4cb77848d7011173cdd9d2b4fa2c433f903720818f16',
  );
});
