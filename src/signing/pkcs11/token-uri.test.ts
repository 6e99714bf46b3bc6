// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { KeyStoreError } from '../index.ts';
import { formatTokenUri, parseTokenUri } from './index.ts';

function refusal(text: string): KeyStoreError {
  try {
    parseTokenUri(text);
  } catch (error) {
    if (error instanceof KeyStoreError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('token URIs (RFC 7512)', () => {
  test('a URI names a token, a key in it, a library and a PIN file', () => {
    const uri = parseTokenUri(
      'pkcs11:token=My%20token;serial=0a;manufacturer=ACME;model=T1;slot-id=7;object=root;id=%01%ff;type=private' +
        '?module-path=/usr/lib/x.so&module-name=softhsm2&pin-source=file:/run/pin',
    );

    expect(uri).toEqual({
      token: 'My token',
      serial: '0a',
      manufacturer: 'ACME',
      model: 'T1',
      slotId: 7,
      object: 'root',
      id: Uint8Array.of(1, 255),
      modulePath: '/usr/lib/x.so',
      moduleName: 'softhsm2',
      pinFile: '/run/pin',
    });
  });

  test('a URI without attributes means any token', () => {
    expect(parseTokenUri('pkcs11:')).toEqual({});
    expect(parseTokenUri('PKCS11:token=x;')).toEqual({ token: 'x' });
  });

  test('a PIN file is named by path, with or without file:', () => {
    for (const source of ['/run/pin', 'file:/run/pin', 'file:///run/pin'])
      expect(parseTokenUri(`pkcs11:?pin-source=${source}`).pinFile).toBe('/run/pin');
  });

  test('S6 a PIN in the URI is refused, and no error repeats any of the URI', () => {
    for (const text of ['pkcs11:token=x?pin-value=4711aa', 'pkcs11:pin-value=4711aa', 'pkcs11:token=4711aa%']) {
      const { message, remedy } = refusal(text);
      expect(`${message} ${remedy}`).not.toContain('4711');
    }
    expect(refusal('pkcs11:?pin-value=1').message).toContain('a PIN must not stand in a token URI');
  });

  test('S35 no library or PIN file by a relative path, no command for a PIN', () => {
    for (const text of [
      'pkcs11:?module-path=./evil.so',
      'pkcs11:?module-path=evil.so',
      'pkcs11:?module-name=../evil',
      'pkcs11:?module-name=/tmp/evil',
      'pkcs11:?pin-source=pin',
      'pkcs11:?pin-source=%7Ccat%20pin',
    ])
      expect(refusal(text).code).toBe('malformed');
  });

  test('what is no URI of a token is refused', () => {
    for (const text of [
      '',
      'softhsm',
      'pkcs12:token=x',
      'pkcs11:token',
      'pkcs11:token=',
      'pkcs11:token=a;token=b',
      'pkcs11:token=%0a',
      'pkcs11:token=%ff',
      'pkcs11:token=%zz',
      'pkcs11:token=a b',
      'pkcs11:token=a?x=1?y=2',
      'pkcs11:slot-id=one',
      'pkcs11:colour=red',
      `pkcs11:token=${'x'.repeat(5000)}`,
    ])
      expect(refusal(text).code).toBe('malformed');
  });

  test('a shown URI has neither library nor PIN file, and is read back', () => {
    const shown = formatTokenUri({
      token: 'Ä b;c',
      object: 'targets:a/b',
      id: Uint8Array.of(10),
      modulePath: '/l.so',
      pinFile: '/p',
    });

    expect(shown).toBe('pkcs11:token=%C3%84%20b%3Bc;object=targets%3Aa%2Fb;id=%0A');
    expect(parseTokenUri(shown)).toEqual({ token: 'Ä b;c', object: 'targets:a/b', id: Uint8Array.of(10) });
  });
});
