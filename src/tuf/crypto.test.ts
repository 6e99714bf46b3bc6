// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { makeKey, recordedKey, TestKey } from '../../test/support/test-keys.ts';
import { isSignatureValid, SIGNATURE_METHODS, signBytes } from './crypto.ts';
import type { PublicKey } from './keys.ts';
import type { KeyId } from './names.ts';
import type { KeyAlgorithm } from './schemes.ts';

const MESSAGE = new TextEncoder().encode('{"_type":"Timestamp"}');
const ALGORITHMS: readonly KeyAlgorithm[] = ['ecdsa', 'rsa', 'ed25519'];
const KEYS = new Map(ALGORITHMS.map((algorithm) => [algorithm, makeKey(algorithm)]));

function keyOf(algorithm: KeyAlgorithm): TestKey {
  return KEYS.get(algorithm) as TestKey;
}

function spkiKey(type: string, object: KeyObject): PublicKey {
  return { type, bytes: new Uint8Array(object.export({ format: 'der', type: 'spki' })) };
}

function judged(key: PublicKey, method: string, bytes: Uint8Array, message = MESSAGE): boolean {
  return isSignatureValid(key, message, { keyId: '' as KeyId, method, bytes });
}

describe('a signature', () => {
  for (const algorithm of ALGORITHMS) {
    test(`of ${algorithm} is valid over the message that was signed, and over no other`, () => {
      const { listed, object } = keyOf(algorithm);
      const bytes = signBytes(algorithm, object, MESSAGE);
      const method = SIGNATURE_METHODS[algorithm];

      expect(judged(listed, method, bytes)).toBe(true);
      expect(judged(listed, method.toUpperCase(), bytes)).toBe(true);
      expect(judged(listed, method, bytes, MESSAGE.slice(1))).toBe(false);
      expect(judged(makeKey(algorithm).listed, method, bytes)).toBe(false);
      for (const at of [0, bytes.length - 1]) {
        const broken = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));
        expect(judged(listed, method, broken)).toBe(false);
      }
    });

    test(`of ${algorithm} with bytes cut off, added or missing is invalid and no exception`, () => {
      const { listed, object } = keyOf(algorithm);
      const bytes = signBytes(algorithm, object, MESSAGE);
      const longer = new Uint8Array([...bytes, 0]);

      for (const odd of [new Uint8Array(), bytes.subarray(1), bytes.subarray(0, -1), longer, new Uint8Array(10_000)]) {
        expect(judged(listed, SIGNATURE_METHODS[algorithm], odd)).toBe(false);
      }
    });
  }

  test('S1 the algorithm follows from the key: a method of another algorithm makes the signature count for nothing', () => {
    for (const algorithm of ALGORITHMS) {
      const { listed, object } = keyOf(algorithm);
      const bytes = signBytes(algorithm, object, MESSAGE);
      const fitting = algorithm === 'rsa' ? ['rsapss'] : [SIGNATURE_METHODS[algorithm]];
      for (const method of ['ecdsa', 'rsapss', 'rsapkcs1v15', 'eddsa', 'pycrypto-pkcs#1 pss', 'none', '']) {
        expect({ algorithm, method, valid: judged(listed, method, bytes) }).toEqual({
          algorithm,
          method,
          valid: fitting.includes(method),
        });
      }
    }
  });

  test('S1 an RSA key whose bytes are read as ed25519 (CVE-2015-9258) verifies nothing', () => {
    const { listed, object } = keyOf('rsa');
    const bytes = signBytes('rsa', object, MESSAGE);

    expect(judged({ type: 'ed25519', bytes: listed.bytes }, 'eddsa', bytes.subarray(0, 64))).toBe(false);
    expect(judged({ type: 'ecdsa', bytes: listed.bytes }, 'ecdsa', bytes.subarray(0, 64))).toBe(false);
  });

  test('of ECDSA is r and s alone: DER, and a spelling padded to another curve, are invalid', () => {
    const { listed, object } = keyOf('ecdsa');
    const der = new Uint8Array(sign('sha256', MESSAGE, object));
    const raw = signBytes('ecdsa', object, MESSAGE);
    const padded = new Uint8Array([
      ...new Uint8Array(16),
      ...raw.subarray(0, 32),
      ...new Uint8Array(16),
      ...raw.subarray(32),
    ]);

    expect(judged(listed, 'ecdsa', raw)).toBe(true);
    expect(judged(listed, 'ecdsa', der)).toBe(false);
    expect(judged(listed, 'ecdsa', padded)).toBe(false);
  });

  for (const [curve, length] of [
    ['P-384', 96],
    ['P-521', 132],
  ] as const) {
    test(`of ECDSA on ${curve} is ${length} bytes over SHA-256`, () => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
      const bytes = signBytes('ecdsa', privateKey, MESSAGE);

      expect(bytes.length).toBe(length);
      expect(judged(spkiKey('ecdsa', publicKey), 'ecdsa', bytes)).toBe(true);
    });
  }

  test('of RSA-PSS has a salt of exactly 32 bytes and SHA-256', () => {
    const { listed, object } = keyOf('rsa');
    const pss = (hash: string, saltLength: number) =>
      new Uint8Array(sign(hash, MESSAGE, { key: object, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));

    expect(judged(listed, 'rsapss', pss('sha256', 32))).toBe(true);
    expect(judged(listed, 'rsapss', pss('sha256', 20))).toBe(false);
    expect(judged(listed, 'rsapss', pss('sha512', 32))).toBe(false);
  });

  test('of RSA PKCS#1 v1.5 is valid under its own method alone', () => {
    const { listed, object } = keyOf('rsa');
    const bytes = new Uint8Array(sign('sha256', MESSAGE, object));

    expect(judged(listed, 'rsapkcs1v15', bytes)).toBe(true);
    expect(judged(listed, 'rsapss', bytes)).toBe(false);
    expect(judged(listed, 'rsapkcs1v15', new Uint8Array(sign('sha1', MESSAGE, object)))).toBe(false);
  });

  test('of a weak, unknown or damaged key is invalid and no exception', () => {
    const weak = recordedKey('rsa1024');
    const bytes = signBytes('rsa', weak.object, MESSAGE);
    const other: readonly PublicKey[] = [
      weak.listed,
      { type: 'tpm', bytes: new Uint8Array([1]) },
      { type: 'ecdsa', bytes: new Uint8Array() },
      {
        type: 'ecdsa-x509',
        bytes: new TextEncoder().encode('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      },
      { type: 'ed25519', bytes: new Uint8Array(31) },
    ];

    for (const key of other) expect(judged(key, 'rsapss', bytes)).toBe(false);
  });

  test('of a certificate key is that of the key inside', () => {
    const key = recordedKey('rsa2048');

    expect(judged(key.listed, 'rsapss', signBytes('rsa', key.object, MESSAGE))).toBe(true);
    expect(new TestKey(key.listed, key.object).sign(MESSAGE).method).toBe('rsapss');
  });
});
