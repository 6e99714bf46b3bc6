// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { makeKey, recordedKey, recordedPem } from '../../test/support/test-keys.ts';
import { decodePem } from '../encoding/index.ts';
import { bareKey, canonicalKeyId, certificateKey, keyId } from './keys.ts';

const der = (name: string) => decodePem(recordedPem(name))[0]?.bytes ?? new Uint8Array();

test('a bare key is its own bare key, whatever its algorithm', () => {
  for (const algorithm of ['ecdsa', 'rsa', 'ed25519'] as const) {
    const { listed } = makeKey(algorithm);
    expect(bareKey(listed)).toEqual(listed);
    expect(canonicalKeyId(listed)).toBe(keyId(listed));
  }
});

test('a certificate is listed by the kind of its key', () => {
  expect(certificateKey(der('rsa2048')).type).toBe('rsa-x509');
  expect(certificateKey(der('tls-server')).type).toBe('ecdsa-x509');
  expect(keyId(certificateKey(der('rsa2048')))).toBe(recordedKey('rsa2048').id);
});
