// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TestClient, versionsOf } from '../../test/support/client.ts';
import { refused, rejected } from '../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { makeRootKey, recordedKey, recordedPem } from '../../test/support/test-keys.ts';
import { type KeyId, type PublicKey, parseGun, ROOT } from '../tuf/index.ts';
import { choosePin, type TrustPinning } from './pinning.ts';

const NOBODY = '0'.repeat(64) as KeyId;
const [key, other] = [await makeRootKey(GUN, NOW), await makeRootKey(GUN, NOW)];
const UNMET = { name: 'VerificationError', code: 'unmet-pin', role: 'root' };

function certs(...entries: readonly (readonly [string, readonly KeyId[]])[]): TrustPinning {
  return { certs: new Map(entries), trustOnFirstUse: true };
}

const admits = (pinning: TrustPinning, listed: PublicKey = key.listed, gun = GUN) =>
  choosePin(pinning, gun, NOW).admits(listed);

describe('pins of certificates', () => {
  test('by the exact GUN admit the listed keys and no others', () => {
    const pinning = certs([GUN, [NOBODY, key.id]]);

    expect(choosePin(pinning, GUN, NOW).kind).toBe('certs');
    expect([admits(pinning), admits(pinning, other.listed)]).toEqual([true, false]);
  });

  test('an empty list trusts nothing, and is not passed over for first use', () => {
    expect(admits(certs([GUN, []]))).toBe(false);
    expect(admits(certs(['*', []]))).toBe(false);
  });

  test('the exact GUN goes before any wildcard, the longest wildcard before the others', () => {
    const wild = ['*', 'registry.example.com/*', 'registry.example.com/acme/*'] as const;

    expect(admits(certs([wild[0], []], [wild[2], [key.id]], [wild[1], []]))).toBe(true);
    expect(admits(certs([wild[2], []], [wild[1], [key.id]], [wild[0], [key.id]]))).toBe(false);
    expect(admits(certs([`${GUN}*`, []], [GUN, [key.id]]))).toBe(true);
  });

  test('without a wildcard a name is no prefix, and with one it must match', () => {
    for (const name of [
      'registry.example.com/acme/',
      'registry.example.com/acme/ap',
      `${GUN}/*`,
      'other.example.com/*',
    ])
      expect(choosePin(certs([name, [key.id]]), GUN, NOW).kind).toBe('first-use');
  });

  test('W upper case counts: a pin for a GUN with an upper-case letter holds for it and for it alone', () => {
    const upper = parseGun('registry.example.com/Acme/app');
    const pinning = certs([upper, [key.id]]);

    expect(choosePin(pinning, upper, NOW).kind).toBe('certs');
    expect(choosePin(pinning, GUN, NOW).kind).toBe('first-use');
    expect(choosePin(certs(['registry.example.com/Acme/*', []]), GUN, NOW).kind).toBe('first-use');
  });

  test('go before CAs', () => {
    const pinning = { ...certs([GUN, []]), ca: new Map([[GUN as string, recordedPem('authority')]]) };

    expect(choosePin(pinning, GUN, NOW).kind).toBe('certs');
  });
});

describe('first use', () => {
  test('admits any key where it is allowed', () => {
    expect([admits({ trustOnFirstUse: true }), choosePin({ trustOnFirstUse: true }, GUN, NOW).kind]).toEqual([
      true,
      'first-use',
    ]);
  });

  test('is refused where it is not, before anything is asked for', async () => {
    const repository = await RepositorySimulator.create();
    repository.takeRequests();

    refused(() => choosePin({ trustOnFirstUse: false }, GUN, NOW), UNMET);
    await rejected(new TestClient(repository, { pinning: { trustOnFirstUse: false } }).refresh(), UNMET);
    expect(repository.takeRequests()).toEqual([]);
  });

  test('is not needed where a pin covers the GUN', () => {
    expect(admits({ ...certs([GUN, [key.id]]), trustOnFirstUse: false })).toBe(true);
  });
});

describe('pins of CAs', () => {
  const ca = (pem: string, prefix = 'registry.example.com/') => ({
    ca: new Map([[prefix, pem]]),
    trustOnFirstUse: true,
  });
  const authority = ca(recordedPem('authority'));
  const byCa = (pinning: TrustPinning, ...chain: readonly [string, ...string[]]) =>
    admits(pinning, recordedKey(...chain).listed);

  test('admit a leaf that the CA signed, directly or by the intermediates it brings', () => {
    expect(choosePin(authority, GUN, NOW).kind).toBe('ca');
    expect(byCa(authority, 'by-authority')).toBe(true);
    expect(byCa(authority, 'chained', 'intermediate')).toBe(true);
  });

  test('refuse a chain with a gap, a self-signed leaf, and a CA of the same name with another key', () => {
    expect(byCa(authority, 'chained')).toBe(false);
    expect(byCa(authority, 'rsa2048')).toBe(false);
    expect(byCa(ca(recordedPem('stranger')), 'by-authority')).toBe(false);
    expect(byCa(ca(recordedPem('stranger')), 'chained', 'intermediate', 'authority')).toBe(false);
  });

  test('honour extended key usage as for a TLS server', () => {
    expect(byCa(authority, 'tls-server')).toBe(true);
    expect(byCa(authority, 'any-usage')).toBe(true);
    expect(byCa(authority, 'code-signing')).toBe(false);
  });

  test('an intermediate signed with SHA-1 leads nowhere', () => {
    expect(byCa(authority, 'weakly-chained', 'weak-intermediate')).toBe(false);
  });

  test('a CA file without a usable CA is an error, never first use', () => {
    for (const pem of [
      '',
      'text',
      recordedPem('by-authority'),
      recordedPem('expired-authority'),
      recordedPem('short-authority'),
      recordedPem('authority').slice(0, 200),
      recordedPem('authority').replace(/M/, 'A'),
    ])
      refused(() => choosePin(ca(pem), GUN, NOW), UNMET);
  });

  test('an expired or weak CA beside a good one is passed over', () => {
    const mixed = ca(recordedPem('expired-authority') + recordedPem('short-authority') + recordedPem('authority'));

    expect(byCa(mixed, 'by-authority')).toBe(true);
    expect(byCa(mixed, 'by-short')).toBe(false);
  });

  test('the longest prefix goes first', () => {
    const pinning = {
      ca: new Map([
        ['registry.example.com/acme/', recordedPem('stranger')],
        ['', recordedPem('authority')],
      ]),
      trustOnFirstUse: true,
    };

    expect(byCa(pinning, 'by-authority')).toBe(false);
    expect(admits(pinning, recordedKey('by-authority').listed, parseGun('registry.example.com/else'))).toBe(true);
  });

  test('a repository under a CA pin is trusted as a whole', async () => {
    const repository = await RepositorySimulator.create({ rootKeys: [recordedKey('chained', 'intermediate')] });

    expect(versionsOf(await new TestClient(repository, { pinning: authority }).refresh())).toMatchObject({ root: 1 });
    await rejected(new TestClient(repository, { pinning: ca(recordedPem('stranger')) }).refresh(), UNMET);
  });
});

describe('a pinned repository', () => {
  test('is refused under a key that is not pinned, and nothing is kept', async () => {
    const repository = await RepositorySimulator.create();
    const client = new TestClient(repository, { pinning: certs([GUN, [key.id]]) });

    await rejected(client.refresh(), UNMET);
    expect(client.trusted('root', 'timestamp')).toEqual([undefined, undefined]);
  });

  test('pins nothing on first use', async () => {
    const repository = await RepositorySimulator.create({ rootKeys: [key] });
    const trusted = await new TestClient(repository, { pinning: certs([GUN, [key.id]]) }).refresh();

    expect(trusted.pinnedOnFirstUse).toBeUndefined();
  });

  /** Root 3, whose first root's key is pinned. */
  async function rotated() {
    const repository = await RepositorySimulator.create({ rootKeys: [key] });
    const pinning = certs([GUN, [key.id]]);
    await repository.rotate('root');
    await repository.rotate('root');
    repository.publish();
    return { repository, client: new TestClient(repository, { pinning }) };
  }

  test('whose root key was rotated since is reached by the chain from the pinned one', async () => {
    const { repository, client } = await rotated();

    expect(versionsOf(await client.refresh())).toMatchObject({ root: 3 });
    expect(repository.takeRequests().slice(0, 5)).toEqual([
      'root.json',
      '1.root.json',
      '2.root.json',
      '3.root.json',
      '4.root.json',
    ]);
    expect(client.cache.load(GUN, ROOT)).toEqual(repository.files.get(ROOT) as Uint8Array);
  });

  test('is so again after the cache was deleted, though its marks know root 3', async () => {
    const { client } = await rotated();
    await client.refresh();
    client.cache.remove(GUN);

    expect(versionsOf(await client.refresh())).toMatchObject({ root: 3 });
  });

  test('S17 but not when the chain ends before the newest root ever trusted', async () => {
    const { repository, client } = await rotated();
    await client.refresh();
    client.cache.remove(GUN);
    repository.answer('root.json', repository.served.get('2.root.json')).answer('3.root.json', undefined);
    const marks = client.marks.load(GUN);

    await rejected(client.refresh(), { code: 'rollback', role: 'root' });
    expect(client.marks.load(GUN)).toEqual(marks);
  });

  test('is refused where the chain from the pinned key does not hold', async () => {
    const { repository, client } = await rotated();
    repository.answer('2.root.json', repository.served.get('3.root.json'));

    await rejected(client.refresh(), { code: 'root-chain', role: 'root' });
    repository.answer('1.root.json', undefined);
    await rejected(client.refresh(), UNMET);
  });
});
