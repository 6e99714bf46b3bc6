// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { recordedPem } from '../../test/support/test-keys.ts';
import { canonicalKeyId, keyId } from '../tuf/index.ts';
import { PrivateKey } from './private-key.ts';
import { decodePublicKeyFile, PublicKeyFileError } from './public-key-file.ts';

const NOW = new Date('2026-12-01T12:00:00Z');
const bytesOf = (text: string) => new TextEncoder().encode(text);
const decode = (text: string, now = NOW) => decodePublicKeyFile(bytesOf(text), now);
const pemOf = ({ object }: PrivateKey) => createPublicKey(object).export({ format: 'pem', type: 'spki' }).toString();

function codeOf(text: string, now = NOW): string {
  try {
    decode(text, now);
    return 'taken';
  } catch (error) {
    if (!(error instanceof PublicKeyFileError)) throw error;
    return error.code;
  }
}

describe('public keys that signers hand out', () => {
  test('a public key of every algorithm has the ID that its private key is stored under', () => {
    for (const algorithm of ['ecdsa', 'rsa', 'ed25519'] as const) {
      const key = PrivateKey.generate(algorithm);
      const read = decode(pemOf(key));
      expect(read.type).toBe(algorithm);
      expect(keyId(read)).toBe(key.keyId);
    }
  });

  test('a certificate is kept as a certificate, and its canonical ID is that of the bare key', () => {
    const read = decode(recordedPem('code-signing'));
    expect(read.type).toBe('ecdsa-x509');
    expect(keyId(read)).not.toBe(canonicalKeyId(read));
    expect(decode(recordedPem('rsa2048')).type).toBe('rsa-x509');
  });

  test('only the first block counts', () => {
    const [first, second] = [PrivateKey.generate(), PrivateKey.generate()];
    expect(keyId(decode(`notes\n${pemOf(first)}${pemOf(second)}`))).toBe(first.keyId);
  });

  test('a certificate that is not valid now is refused', () => {
    expect(codeOf(recordedPem('code-signing'), new Date('1999-01-01T00:00:00Z'))).toBe('expired');
    expect(codeOf(recordedPem('code-signing'), new Date('2199-01-01T00:00:00Z'))).toBe('expired');
  });

  test('W a certificate signed with SHA-1, and an RSA key under 2048 bits, are refused', () => {
    expect(codeOf(recordedPem('sha1'))).toBe('weak-key');
    expect(codeOf(recordedPem('rsa1024'))).toBe('weak-key');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(codeOf(publicKey.export({ format: 'pem', type: 'spki' }).toString())).toBe('weak-key');
  });

  test('a private key is refused by name: it must not be handed out', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    expect(codeOf(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())).toBe('private-key');
  });

  test('an unsupported curve, another kind of PEM and damaged bytes are refused', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp224r1' });
    expect(codeOf(publicKey.export({ format: 'pem', type: 'spki' }).toString())).toBe('unsupported');
    expect(codeOf('-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n')).toBe('unsupported');
    for (const label of ['PUBLIC KEY', 'CERTIFICATE'])
      expect(codeOf(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`)).toBe('malformed');
    expect(codeOf('no PEM at all')).toBe('malformed');
  });

  test('any bytes at all are read or refused with a typed error', () => {
    const label = fc.constantFrom('PUBLIC KEY', 'CERTIFICATE');
    fc.assert(
      fc.property(label, fc.base64String({ maxLength: 300 }), (name, text) => {
        const file = `-----BEGIN ${name}-----\n${text}\n-----END ${name}-----\n`;
        return codeOf(file) !== 'taken';
      }),
    );
  });
});
