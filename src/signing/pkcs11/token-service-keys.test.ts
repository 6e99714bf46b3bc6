// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { FakeCryptoki, type FakeToken } from '../../../test/support/fake-cryptoki.ts';
import { keyId, nextTimestamp, notaryV1, parseGun, SNAPSHOT, TIMESTAMP } from '../../tuf/index.ts';
import { KeyStoreError } from '../index.ts';
import { describeServiceKeys, codeOf as serviceCodeOf } from '../service-keys/service-keys.contract.ts';
import { openTokenServiceKeys } from './index.ts';
import { Token } from './token.ts';
import { TokenServiceKeys } from './token-service-keys.ts';
import { parseTokenUri } from './token-uri.ts';

const gun = parseGun('docker.io/library/alpine');
const message = notaryV1.encodeSigned(nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), new Date(0)));
const PIN = 'right-pin';
const pins = { pin: async () => PIN, warn: () => {} };

function opened(token: FakeToken = { label: 'work', serial: '01', pin: PIN, triesLeft: 3, isThere: true }) {
  const cryptoki = new FakeCryptoki([token]);
  const open = async () => new Token(cryptoki, parseTokenUri('pkcs11:token=work'), pins);
  const clock = { now: 0 };
  const service = () => new TokenServiceKeys(open, () => clock.now);
  return { cryptoki, open, token, clock, service };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    return await serviceCodeOf(work);
  } catch (error) {
    if (error instanceof KeyStoreError) return error.code;
    throw error;
  }
}

describeServiceKeys('token', async () => opened().service(), { algorithms: ['ecdsa'] });

describe('service keys in a token', () => {
  test('labels say what a key is for, and whether it has signed; the next start reads them', async () => {
    const { open, service } = opened();
    const keys = service();
    const used = await keys.create(gun, TIMESTAMP, 'ecdsa');
    await (await keys.signer(keyId(used)))?.sign(message);
    const pending = await keys.create(gun, SNAPSHOT, 'ecdsa');

    const labels = (await (await open()).keys()).map(({ label }) => label).sort();
    expect(labels).toEqual([`pending:snapshot:${gun}`, `timestamp:${gun}`]);
    const later = service();
    await later.check();
    expect(await later.info(keyId(used))).toEqual({ key: used, gun, role: TIMESTAMP, pending: false });
    expect(await later.info(keyId(pending))).toEqual({ key: pending, gun, role: SNAPSHOT, pending: true });
    expect(await later.create(gun, SNAPSHOT, 'ecdsa')).toEqual(pending);
  });

  test('what else lies in the token is no service key', async () => {
    const { open, service } = opened();
    const token = await open();
    const others = [
      await token.generate('ecdsa', { role: 'root' }),
      await token.generate('ecdsa', { role: 'targets', gun }),
      await token.generateLabelled('ecdsa', 'timestamp:../x'),
      await token.generateLabelled('ecdsa', 'pending:'),
    ];
    const keys = service();
    for (const other of others) {
      expect(await keys.info(other.keyId)).toBeUndefined();
      expect(await keys.signer(other.keyId)).toBeUndefined();
      await keys.remove(other.keyId);
    }
    expect(await (await open()).keys()).toHaveLength(others.length);
  });

  test('two services share a token: each sees the keys of the other, the same pending one, and what was removed', async () => {
    const { service, clock } = opened();
    const [one, two] = [service(), service()];
    const key = await one.create(gun, TIMESTAMP, 'ecdsa');
    const id = keyId(key);

    expect(await two.create(gun, TIMESTAMP, 'ecdsa')).toEqual(key);
    await (await one.signer(id))?.sign(message);
    expect(keyId(await two.create(gun, TIMESTAMP, 'ecdsa'))).not.toBe(id);
    const held = await two.signer(id);
    await one.remove(id);
    expect(await codeOf(held?.sign(message) ?? Promise.resolve())).toBe('not-found');
    clock.now += 1000;
    expect(await two.info(id)).toBeUndefined();
  });

  test('a pending key that another service removed is not signed with', async () => {
    const { service } = opened();
    const [one, two] = [service(), service()];
    const id = keyId(await one.create(gun, TIMESTAMP, 'ecdsa'));
    const held = await two.signer(id);
    await one.remove(id);
    expect(await codeOf(held?.sign(message) ?? Promise.resolve())).toBe('not-found');
  });

  test('S23 asking for keys that do not exist does not read the token each time', async () => {
    const { service, cryptoki, clock } = opened();
    const keys = service();
    let searches = 0;
    const search = cryptoki.C_FindObjectsInit.bind(cryptoki);
    cryptoki.C_FindObjectsInit = (...args) => {
      searches += 1;
      search(...args);
    };
    for (let index = 0; index < 10; index++) await keys.info(keyId({ type: 'x', bytes: Uint8Array.of(index) }));
    expect(searches).toBe(1);
    clock.now += 1000;
    await keys.info(keyId({ type: 'x', bytes: Uint8Array.of(0) }));
    expect(searches).toBe(2);
  });

  test('a token that was taken out is told, and used again once it is back', async () => {
    const { service, token } = opened();
    const keys = service();
    const id = keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'));
    const signer = await keys.signer(id);
    token.isThere = false;

    expect(await codeOf(signer?.sign(message) ?? Promise.resolve())).toBe('token-absent');
    expect(await codeOf(keys.check())).toBe('token-absent');
    token.isThere = true;
    expect((await signer?.sign(message))?.length).toBe(64);
  });

  test('ed25519 keys, and a URI that names one key, are refused', async () => {
    expect(await codeOf(opened().service().create(gun, TIMESTAMP, 'ed25519'))).toBe('unsupported');
    for (const part of ['object=x', 'id=%01'])
      expect(await codeOf(openTokenServiceKeys(parseTokenUri(`pkcs11:token=work;${part}`), pins))).toBe('malformed');
  });
});
