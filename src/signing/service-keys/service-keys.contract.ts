// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import {
  isSignatureValid,
  type KeyId,
  keyId,
  nextTimestamp,
  notaryV1,
  parseGun,
  SIGNATURE_METHODS,
  SNAPSHOT,
  TIMESTAMP,
} from '../../tuf/index.ts';
import { type ServiceKeyAlgorithm, ServiceKeyError, type ServiceKeys } from './index.ts';

const gun = parseGun('docker.io/library/alpine');
/** A signing service signs nothing but metadata. */
const message = notaryV1.encodeSigned(
  nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), new Date('2026-11-23T12:00:00Z')),
);

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ServiceKeyError) return error.code;
    throw error;
  }
  return 'none';
}

/** What an implementation is, beside the promise. */
export interface ContractOptions {
  /** Tokens make keys of one algorithm alone. */
  readonly algorithms?: readonly ServiceKeyAlgorithm[];
  /** What a second process has over the keys that `fresh` gave last. */
  readonly another?: (first: ServiceKeys) => Promise<ServiceKeys>;
}

/** What every ServiceKeys promises. */
export function describeServiceKeys(
  name: string,
  fresh: () => Promise<ServiceKeys>,
  { algorithms = ['ecdsa', 'ed25519'], another = async (first) => first }: ContractOptions = {},
): void {
  describe(`service keys (${name})`, () => {
    for (const algorithm of algorithms) {
      test(`a new ${algorithm} key signs what its public key verifies`, async () => {
        const keys = await fresh();

        const key = await keys.create(gun, TIMESTAMP, algorithm);
        const signer = await keys.signer(keyId(key));
        const bytes = (await signer?.sign(message)) ?? new Uint8Array();

        expect([key.type, signer?.key]).toEqual([algorithm, key]);
        const signature = { keyId: keyId(key), method: SIGNATURE_METHODS[algorithm], bytes };
        expect(isSignatureValid(key, message, signature)).toBe(true);
      });
    }

    test('until a key has signed, asking again gives the same one; afterwards a new one', async () => {
      const keys = await fresh();

      const first = await keys.create(gun, TIMESTAMP, 'ecdsa');
      const again = await keys.create(gun, TIMESTAMP, 'ecdsa');
      const before = await keys.info(keyId(first));
      await (await keys.signer(keyId(first)))?.sign(message);
      const next = await keys.create(gun, TIMESTAMP, 'ecdsa');

      expect(again).toEqual(first);
      expect(keyId(next)).not.toBe(keyId(first));
      expect(before).toEqual({ key: first, gun, role: TIMESTAMP, pending: true });
      expect((await keys.info(keyId(first)))?.pending).toBe(false);
    });

    test('a pending key is never given to another role, repository or algorithm', async () => {
      const keys = await fresh();
      const made = [
        await keys.create(gun, SNAPSHOT, 'ecdsa'),
        await keys.create(parseGun('docker.io/library/Alpine'), TIMESTAMP, 'ecdsa'),
        await keys.create(parseGun('docker.io/library/alpiné'), TIMESTAMP, 'ecdsa'),
      ];
      for (const algorithm of algorithms) made.push(await keys.create(gun, TIMESTAMP, algorithm));

      expect(new Set(made.map(keyId)).size).toBe(made.length);
    });

    test('all that ask at once, here and in another process, get one key', async () => {
      const keys = await fresh();
      const others = await another(keys);

      for (const algorithm of algorithms) {
        const asked = [keys, others, keys, others].map((each) => each.create(gun, TIMESTAMP, algorithm));
        expect(new Set((await Promise.all(asked)).map(keyId)).size).toBe(1);
      }
    });

    test('a key made in one process signs in another, and counts as used in both', async () => {
      const keys = await fresh();
      const others = await another(keys);
      const key = await keys.create(gun, TIMESTAMP, 'ecdsa');

      const bytes = (await (await others.signer(keyId(key)))?.sign(message)) ?? new Uint8Array();

      const signature = { keyId: keyId(key), method: SIGNATURE_METHODS.ecdsa, bytes };
      expect(isSignatureValid(key, message, signature)).toBe(true);
      expect((await keys.info(keyId(key)))?.pending).toBe(false);
      expect(keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'))).not.toBe(keyId(key));
    });

    test('an unknown key has no signer', async () => {
      const keys = await fresh();
      const unknown = '0'.repeat(64) as KeyId;

      expect(await keys.signer(unknown)).toBeUndefined();
      expect(await keys.info(unknown)).toBeUndefined();
      expect(await codeOf(keys.remove(unknown))).toBe('none');
    });

    test('a removed key signs nothing any more, and the next one is new', async () => {
      const keys = await fresh();
      const key = await keys.create(gun, TIMESTAMP, 'ecdsa');
      const held = await keys.signer(keyId(key));
      await held?.sign(message);

      await keys.remove(keyId(key));

      expect(await keys.signer(keyId(key))).toBeUndefined();
      expect(await codeOf(held?.sign(message) ?? Promise.resolve())).toBe('not-found');
      expect(keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'))).not.toBe(keyId(key));
    });
  });
}
