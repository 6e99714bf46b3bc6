// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { constants, sign } from 'node:crypto';
import { makeKey } from '../../test/support/test-keys.ts';
import { isSignatureValid } from './crypto.ts';
import type { KeyId } from './names.ts';

test('S1 an RSA signature of the older padding counts under its own method, and under no other name', () => {
  const { listed, object } = makeKey('rsa');
  const message = new TextEncoder().encode('{}');
  const bytes = new Uint8Array(sign('sha256', message, { key: object, padding: constants.RSA_PKCS1_PADDING }));
  const judged = (method: string) => isSignatureValid(listed, message, { keyId: '' as KeyId, method, bytes });

  expect(judged('rsapkcs1v15')).toBe(true);
  for (const method of ['rsapss', 'rsa', 'pycrypto-pkcs#1 pss', 'ecdsa', 'eddsa', ''])
    expect(judged(method)).toBe(false);
});
