// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { isSignatureValid, signBytes } from './crypto.ts';
import { KnownSignatures, type SignatureCheck } from './known-signatures.ts';
import type { KeyId } from './names.ts';

const check: SignatureCheck = {
  fingerprint: 'a'.repeat(64),
  algorithm: 'ecdsa',
  message: Buffer.from('message'),
  signature: Buffer.from('signature'),
};

/** What the memo answers where the real verification says no. */
function isTakenFor(known: KnownSignatures, other: Partial<SignatureCheck>): boolean {
  return known.isValid({ ...check, ...other }, () => false);
}

describe('KnownSignatures', () => {
  test('asks once for what was valid', () => {
    const known = new KnownSignatures();
    let asked = 0;
    const verify = () => ++asked > 0;

    expect([known.isValid(check, verify), known.isValid({ ...check }, verify)]).toEqual([true, true]);
    expect(asked).toBe(1);
  });

  test('never keeps a refusal: what failed is verified again', () => {
    const known = new KnownSignatures();
    expect(isTakenFor(known, {})).toBe(false);
    expect(known.isValid(check, () => true)).toBe(true);
  });

  test('S1 a valid signature vouches for no other key, algorithm, message or signature', () => {
    const known = new KnownSignatures();
    known.isValid(check, () => true);

    expect(isTakenFor(known, {})).toBe(true);
    expect(isTakenFor(known, { fingerprint: 'b'.repeat(64) })).toBe(false);
    expect(isTakenFor(known, { algorithm: 'eddsa' })).toBe(false);
    expect(isTakenFor(known, { message: Buffer.from('massage') })).toBe(false);
    expect(isTakenFor(known, { signature: Buffer.from('Signature') })).toBe(false);
  });

  test('S1 bytes moved between signature and message are another check', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, fc.nat(), (signature, message, at) => {
        const known = new KnownSignatures();
        known.isValid({ ...check, signature, message }, () => true);
        const all = Buffer.concat([signature, message]);
        const cut = at % (all.length + 1);
        const moved = { signature: all.subarray(0, cut), message: all.subarray(cut) };
        expect(isTakenFor(known, moved)).toBe(cut === signature.length);
      }),
    );
  });

  test('S23 keeps a fixed number, and forgets the oldest first', () => {
    const known = new KnownSignatures(2);
    const signatures = ['one', 'two', 'three'].map((text) => Buffer.from(text));
    for (const signature of signatures) known.isValid({ ...check, signature }, () => true);

    expect(signatures.map((signature) => isTakenFor(known, { signature }))).toEqual([false, true, true]);
  });

  test('a large message is verified each time', () => {
    const known = new KnownSignatures();
    const message = new Uint8Array(100_000);
    known.isValid({ ...check, message }, () => true);
    expect(isTakenFor(known, { message })).toBe(false);
  });
});

test('S1 what was found valid once makes no changed message, signature, method or key valid', () => {
  const pair = () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    return {
      privateKey,
      key: { type: 'ecdsa', bytes: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) },
    };
  };
  const [{ privateKey, key }, other] = [pair(), pair()];
  const message = Buffer.from('targets');
  const bytes = signBytes('ecdsa', privateKey, message);
  const signature = { keyId: 'a' as KeyId, method: 'ecdsa', bytes };
  const changed = (text: Uint8Array, at: number) => text.map((byte, index) => (index === at ? byte ^ 1 : byte));

  expect([1, 2].map(() => isSignatureValid(key, message, signature))).toEqual([true, true]);
  expect(isSignatureValid(other.key, message, signature)).toBe(false);
  expect(isSignatureValid(key, message, { ...signature, method: 'eddsa' })).toBe(false);
  for (let at = 0; at < bytes.length; at++)
    expect(isSignatureValid(key, message, { ...signature, bytes: changed(bytes, at) })).toBe(false);
  for (let at = 0; at < message.length; at++)
    expect(isSignatureValid(key, changed(message, at), signature)).toBe(false);
});
