// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { makeKey, recordedKey, TestKey } from '../../test/support/test-keys.ts';
import { PrivateKey, rootCertificate } from '../signing/index.ts';
import { notaryV1 } from './dialects/notary-v1/index.ts';
import { firstTargets } from './edit.ts';
import type { Envelope, Signature, Targets } from './metadata.ts';
import { type KeyId, TARGETS } from './names.ts';
import { countSignatures, verifyRole } from './verify.ts';

const signed = firstTargets(NOW);
const signedBytes = notaryV1.encodeSigned(signed);

function envelope(...signatures: readonly Signature[]): Envelope<Targets> {
  return { signed, signedBytes, signatures };
}

function listed(...keys: readonly TestKey[]) {
  return new Map(keys.map((key) => [key.id, key.listed]));
}

function role(threshold: number, ...keys: readonly TestKey[]) {
  return { keyIds: keys.map(({ id }) => id), threshold };
}

const [alice, bob, carol] = [makeKey(), makeKey('ed25519'), makeKey()];

describe('the threshold', () => {
  test('is met by as many distinct keys, and tells who signed and who did not', () => {
    const both = envelope(alice.sign(signedBytes), bob.sign(signedBytes));
    const count = countSignatures(both, listed(alice, bob, carol), role(2, alice, bob, carol));

    expect(count).toEqual({ signed: [alice.id, bob.id], missing: [carol.id], threshold: 2 });
    expect(verifyRole(TARGETS, both, listed(alice, bob, carol), role(2, alice, bob, carol)) as Targets).toBe(signed);
  });

  test('is missed by one signature less', () => {
    const one = envelope(alice.sign(signedBytes));

    const error = refused(() => verifyRole(TARGETS, one, listed(alice, bob), role(2, alice, bob)), {
      name: 'VerificationError',
      code: 'threshold',
      role: 'targets',
    });
    expect(error).toMatchObject({ expected: `2 of ${alice.id}, ${bob.id}`, actual: alice.id });
  });

  test('S16 of zero or less is met by nobody, not even with signatures', () => {
    for (const threshold of [0, -1]) {
      refused(() => verifyRole(TARGETS, envelope(), listed(alice), role(threshold, alice)), { code: 'threshold' });
      refused(() => verifyRole(TARGETS, envelope(alice.sign(signedBytes)), listed(alice), role(threshold, alice)), {
        code: 'threshold',
      });
    }
  });

  test('is not met without any signature', () => {
    refused(() => verifyRole(TARGETS, envelope(), listed(alice), role(1, alice)), { code: 'threshold' });
  });

  test('S15 one key counted twice: a repeated signature counts once', () => {
    const twice = envelope(alice.sign(signedBytes), alice.sign(signedBytes));

    refused(() => verifyRole(TARGETS, twice, listed(alice, bob), role(2, alice, bob)), { code: 'threshold' });
  });

  test('S15 one key counted twice: a key ID that a role lists twice counts once', () => {
    const once = envelope(alice.sign(signedBytes));

    refused(() => verifyRole(TARGETS, once, listed(alice), role(2, alice, alice)), { code: 'threshold' });
  });

  test('S15 S27 W two certificates around one private key are one party', async () => {
    const key = PrivateKey.generate();
    const certified = async () => new TestKey(await rootCertificate(key, GUN, NOW), key.object);
    const [one, two] = [await certified(), await certified()];
    const both = envelope(one.sign(signedBytes), two.sign(signedBytes));

    expect(one.id).not.toBe(two.id);
    expect(countSignatures(both, listed(one, two), role(2, one, two)).signed).toEqual([one.id]);
    refused(() => verifyRole(TARGETS, both, listed(one, two), role(2, one, two)), { code: 'threshold' });
  });

  test('S15 a bare key and a certificate around it are one party', async () => {
    const key = PrivateKey.generate();
    const certificate = await rootCertificate(key, GUN, NOW);
    const [bare, wrapped] = [new TestKey(key.key, key.object), new TestKey(certificate, key.object)];
    const both = envelope(bare.sign(signedBytes), wrapped.sign(signedBytes));

    refused(() => verifyRole(TARGETS, both, listed(bare, wrapped), role(2, bare, wrapped)), { code: 'threshold' });
  });
});

describe('a signature counts only', () => {
  test('for a key of the role: one of a key that metadata lists for something else is nothing', () => {
    const other = envelope(bob.sign(signedBytes));

    refused(() => verifyRole(TARGETS, other, listed(alice, bob), role(1, alice)), { code: 'threshold' });
  });

  test('for a key that metadata lists: a key ID alone is nothing', () => {
    refused(() => verifyRole(TARGETS, envelope(alice.sign(signedBytes)), new Map(), role(1, alice)), {
      code: 'threshold',
    });
  });

  test('under its own key ID', () => {
    const renamed = { ...bob.sign(signedBytes), keyId: alice.id };

    refused(() => verifyRole(TARGETS, envelope(renamed), listed(alice, bob), role(1, alice, bob)), {
      code: 'threshold',
    });
  });

  test('over these very bytes', () => {
    const other = alice.sign(new Uint8Array([...signedBytes, 0x20]));

    refused(() => verifyRole(TARGETS, envelope(other), listed(alice), role(1, alice)), { code: 'threshold' });
  });

  test('and is not undone by bad ones before it', () => {
    const bad = { ...alice.sign(signedBytes), bytes: new Uint8Array(64) };
    const strange = { keyId: '0'.repeat(64) as KeyId, method: 'none', bytes: new Uint8Array() };

    const file = envelope(strange, bad, alice.sign(signedBytes));
    expect(verifyRole(TARGETS, file, listed(alice), role(1, alice))).toBe(file.signed as never);
  });

  test('from keys that can be used: weak or unknown ones beside them change nothing', () => {
    const weak = recordedKey('rsa1024');
    const unknown = weak.as({ type: 'tpm', bytes: new Uint8Array([1]) });
    const all = envelope(weak.sign(signedBytes), alice.sign(signedBytes));

    verifyRole(TARGETS, all, listed(weak, unknown, alice), role(1, weak, unknown, alice));
    refused(() => verifyRole(TARGETS, all, listed(weak, unknown, alice), role(2, weak, unknown, alice)), {
      code: 'threshold',
    });
  });
});
