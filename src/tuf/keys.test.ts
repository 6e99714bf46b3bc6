// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { makeKey, makeRootKey, recordedKey, recordedPem } from '../../test/support/test-keys.ts';
import { decodePem, encodeUtf8 } from '../encoding/index.ts';
import {
  bareKey,
  canonicalIdOf,
  canonicalKeyId,
  certificateKey,
  certificates,
  keyId,
  type PublicKey,
  verifyingKey,
} from './keys.ts';
import { MetadataError } from './metadata-error.ts';
import { usableKeys } from './verify.ts';

function spkiKey(type: string, object: KeyObject): PublicKey {
  return { type, bytes: new Uint8Array(object.export({ format: 'der', type: 'spki' })) };
}

describe('key IDs', () => {
  test('the worked example of the reference has its recorded ID', () => {
    const text =
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKdiL0gYDff33puxk1PH1TzNcnjE7NfvezLy+mCTLnDmvxR6LqGBOksoGDJPVGIjRlF9TA0eEdtf1Cq5Csjordg==';
    const key = { type: 'ecdsa', bytes: new Uint8Array(Buffer.from(text, 'base64')) };

    expect(keyId(key) as string).toBe('76544e6ad4ed56c16f5f3423f28e295a8f0583d0bd438ff2106decfdbb5f41bf');
    expect(canonicalKeyId(key)).toBe(keyId(key));
  });

  test('two certificates around one key have two key IDs, one canonical ID and one fingerprint', async () => {
    const first = await makeRootKey(GUN, NOW);
    const second = first.as(certificateKey(await derOfAnotherCertificate(first.object)));

    expect(second.id).not.toBe(first.id);
    expect(canonicalKeyId(second.listed)).toBe(canonicalKeyId(first.listed));
    expect(verifyingKey(second.listed).fingerprint).toBe(verifyingKey(first.listed).fingerprint);
    expect(keyId(bareKey(first.listed))).toBe(canonicalKeyId(first.listed));
  });

  test('a key type with quotes cannot write itself into another key object', () => {
    const bytes = new Uint8Array(32);

    expect(keyId({ type: 'a"b\\', bytes })).not.toBe(keyId({ type: 'ab', bytes }));
  });
});

describe('reading a key', () => {
  test('RSA under 2048 bits is refused as weak, bare and in a certificate', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;

    refused(() => verifyingKey(spkiKey('rsa', weak)), { code: 'weak-key' });
    refused(() => verifyingKey(recordedKey('rsa1024').listed), { code: 'weak-key' });
  });

  test('a key of another type than its label is refused', () => {
    const ecdsa = makeKey('ecdsa').listed;
    const rsa = makeKey('rsa').listed;

    refused(() => verifyingKey({ type: 'rsa', bytes: ecdsa.bytes }), { code: 'malformed' });
    refused(() => verifyingKey({ type: 'ecdsa', bytes: rsa.bytes }), { code: 'malformed' });
    refused(() => verifyingKey({ type: 'rsa-x509', bytes: recordedKey('sha1').listed.bytes }), { code: 'malformed' });
  });

  test('an unknown type is kept and refused for use', () => {
    for (const type of ['', 'tpm', 'x509', 'ed25519-x509', 'ECDSA', '__proto__', 'toString'])
      refused(() => verifyingKey({ type, bytes: makeKey().listed.bytes }), { code: 'unsupported-key' });
  });

  test('an unsupported curve is refused', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp224r1' });

    refused(() => verifyingKey(spkiKey('ecdsa', publicKey)), { code: 'unsupported-key' });
  });

  test('keys of other algorithms inside SPKI are a MetadataError', () => {
    for (const [name, key] of [
      ['ed25519', generateKeyPairSync('ed25519').publicKey],
      ['x25519', generateKeyPairSync('x25519').publicKey],
    ] as const) {
      for (const type of ['ecdsa', 'rsa']) expect(() => verifyingKey(spkiKey(type, key)), name).toThrow(MetadataError);
    }
  });

  test('S22 random and mutated key bytes give a MetadataError and nothing else', () => {
    const types = fc.constantFrom('ecdsa', 'rsa', 'ed25519', 'ecdsa-x509', 'rsa-x509', 'other');
    const real = [
      makeKey('ecdsa').listed,
      makeKey('rsa').listed,
      recordedKey('sha1').listed,
      recordedKey('rsa2048').listed,
    ];
    const mutated = fc
      .tuple(fc.constantFrom(...real), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([{ bytes }, at, byte]) => bytes.with(at % bytes.length, byte));

    fc.assert(
      fc.property(types, fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), (type, bytes) => {
        try {
          verifyingKey({ type, bytes });
        } catch (error) {
          expect(error).toBeInstanceOf(MetadataError);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('certificates of a key', () => {
  test('come in the order of the text', () => {
    const chain = certificates(recordedKey('chained', 'intermediate').listed);

    expect(chain.map(({ subject }) => subject)).toEqual([`CN=${GUN}`, 'CN=Example Issuing CA']);
  });

  test('no certificate, a foreign PEM block and a damaged one are refused', () => {
    const pem = recordedPem('rsa2048');
    const foreign = pem.replaceAll('CERTIFICATE', 'PUBLIC KEY');
    for (const text of ['', 'text', foreign, pem + foreign, pem.slice(0, -30), pem.replace(/M/, '*'), '\ufffe'])
      refused(() => certificates({ type: 'rsa-x509', bytes: encodeUtf8(text) }), { code: 'malformed' });
    refused(() => certificates({ type: 'rsa-x509', bytes: Uint8Array.of(0xff, 0xfe) }), { code: 'malformed' });
  });
});

/** A second self-signed certificate around a private key that has one already. */
async function derOfAnotherCertificate(object: KeyObject): Promise<Uint8Array> {
  const { PrivateKey, rootCertificate } = await import('../signing/index.ts');
  const key = PrivateKey.decode('pkcs8', new Uint8Array(object.export({ format: 'der', type: 'pkcs8' })));
  const certificate = await rootCertificate(key, GUN, new Date(NOW.getTime() - 86_400_000));
  return decodePem(new TextDecoder().decode(certificate.bytes))[0]?.bytes ?? new Uint8Array();
}

describe('a listed key that nobody can use', () => {
  const damaged = { type: 'ecdsa-x509', bytes: new TextEncoder().encode('no certificate') };
  const good = { type: 'ed25519', bytes: new Uint8Array(32).fill(7) };

  test('has no canonical ID, and takes that of no other', () => {
    expect(canonicalIdOf(damaged)).toBeUndefined();
    expect(canonicalIdOf(undefined)).toBeUndefined();
    expect(canonicalIdOf(good)).toBe(keyId(good));
  });

  test('S15 counts for nothing, and one that is listed twice counts once', () => {
    const keys = new Map([damaged, good].map((key) => [keyId(key), key]));
    expect(usableKeys([keyId(damaged), keyId(good), keyId(good)], keys)).toBe(1);
  });
});
