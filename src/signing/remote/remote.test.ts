// SPDX-License-Identifier: Apache-2.0

import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { ForgingSigner } from '../../../test/support/forging-signer.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { failureOf } from '../../../test/support/refusals.ts';
import { CLIENT_TLS, SERVICE_TLS, SigningStage, TLS } from '../../../test/support/signing-stage.ts';
import { type KeyId, keyId, nextTimestamp, notaryV1, parseGun, TIMESTAMP, type Version } from '../../tuf/index.ts';
import { PrivateKey } from '../index.ts';
import { CREATE_KEY, GET_KEY_INFO, HEALTH_CHECK, KeyState, RemoteSignerError, SIGN } from '../protocol/index.ts';
import { MemoryServiceKeys, ServiceKeyError } from '../service-keys/index.ts';
import { describeServiceKeys } from '../service-keys/service-keys.contract.ts';
import { openRemoteServiceKeys } from './index.ts';

const gun = parseGun('docker.io/library/alpine');
const stages: SigningStage[] = [];
function newStage(keys = new MemoryServiceKeys()): SigningStage {
  const stage = new SigningStage(keys);
  stages.push(stage);
  return stage;
}
afterAll(async () => {
  for (const stage of stages) await stage.close();
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RemoteSignerError || error instanceof ServiceKeyError) return error.code;
    throw error;
  }
  return 'none';
}

const now = new Date('2026-11-23T12:00:00Z');
const contentOf = (version = 1) =>
  notaryV1.encodeSigned({
    ...nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), now),
    version: version as Version,
  });
const quick = { limits: { deadlineMs: 250 } };

describeServiceKeys('remote', async () => {
  const stage = newStage();
  return stage.connect(await stage.start());
});

describe('a connection to a signing service', () => {
  const stage = newStage();

  test('is made by name and by address', async () => {
    const service = await stage.start();
    for (const hostname of ['localhost', '127.0.0.1'])
      expect(await codeOf(stage.connect(service, { hostname }).check())).toBe('none');
  });

  test('S4 a client without a certificate of the right authority is not let in', async () => {
    const service = await stage.start();
    const tls = { ca: TLS.ca.cert, ...TLS.stranger };
    expect(await codeOf(stage.connect(service, { tls, ...quick }).check())).toBe('unavailable');
  });

  test('each side may have several authorities in one file', async () => {
    const both = TLS['other-ca'].cert + TLS.ca.cert;
    const service = await stage.start({ tls: { ...SERVICE_TLS, clientCa: both } });
    for (const client of [TLS.client, TLS.stranger])
      expect(await codeOf(stage.connect(service, { tls: { ...client, ca: both } }).check())).toBe('none');
  });

  test('a service of another authority is not believed', async () => {
    const service = await stage.start({ tls: { ...SERVICE_TLS, ...TLS.impostor } });
    expect(await codeOf(stage.connect(service, quick).check())).toBe('unavailable');
  });

  test('a certificate for another name or address is not believed', async () => {
    const service = await stage.start({ tls: { ...SERVICE_TLS, ...TLS.address } });
    for (const hostname of ['localhost', '127.0.0.1'])
      expect(await codeOf(stage.connect(service, { hostname, ...quick }).check())).toBe('unavailable');
  });

  test('certificate, key or authority that are none are told before anything is sent', () => {
    const broken = [{ ca: '' }, { cert: 'x' }, { key: '' }, { key: TLS.signer.key }];
    for (const part of broken) {
      const open = () => openRemoteServiceKeys({ hostname: 'localhost', port: 1, tls: { ...CLIENT_TLS, ...part } });
      expect(open).toThrow(RemoteSignerError);
    }
  });

  test('a service that is not there is unavailable, and the reason is told', async () => {
    const service = await stage.start();
    const remote = stage.connect(service, quick);
    await service.stop();
    for (const call of [remote.check(), remote.create(gun, TIMESTAMP, 'ecdsa'), remote.signer('0'.repeat(64) as KeyId)])
      expect(await codeOf(call)).toBe('unavailable');
    await expect(remote.check()).rejects.toThrow(/ECONNREFUSED.*[^: ]$/);
    await expect(remote.check()).rejects.not.toThrow('Resolution note');
  });

  test('a check is answered before readiness gives up, and with the reason, however long calls may wait', async () => {
    const service = await stage.start({ tls: { ...SERVICE_TLS, ...TLS.address } });
    const patient = { limits: { deadlineMs: 60_000 } };

    expect(await failureOf(stage.connect(service, patient).check())).toMatchObject({
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
  });

  test('a service that was started again is found again, and calls that came meanwhile wait for it', async () => {
    const port = await freePort();
    const first = await stage.start({ port });
    const remote = stage.connect({ port });
    const key = await remote.create(gun, TIMESTAMP, 'ecdsa');
    const signer = await remote.signer(keyId(key));
    await first.stop();

    const waiting = signer?.sign(contentOf());
    await stage.start({ port });

    expect((await waiting)?.length).toBe(64);
    expect((await signer?.sign(contentOf()))?.length).toBe(64);
  });

  test('a peer that vanished without a word is given up with the first call, and found again by the next', async () => {
    const { port } = await stage.start();
    const road = await openRoad(port);
    const remote = stage.connect({ port: road.port }, { limits: { deadlineMs: 1400 } });
    await remote.check();

    road.vanish();

    expect(await codeOf(remote.check())).toBe('unavailable');
    await remote.check();
    road.close();
  });

  test('many calls at once are all answered, few under way at a time', async () => {
    const service = await stage.start({ limits: { inFlight: 4 } });
    const remote = stage.connect(service, { limits: { inFlight: 4 } });
    const key = await remote.create(parseGun('example.com/busy'), TIMESTAMP, 'ed25519');
    const signer = await remote.signer(keyId(key));

    const signatures = await Promise.all(Array.from({ length: 100 }, () => signer?.sign(contentOf())));

    expect(new Set(signatures.map((signature) => signature?.length))).toEqual(new Set([64]));
  });

  test('a version that the key has passed, and content that is none, are refusals of two kinds', async () => {
    const remote = stage.connect(await stage.start());
    const key = await remote.create(parseGun('example.com/stale'), TIMESTAMP, 'ecdsa');
    const signer = await remote.signer(keyId(key));
    await signer?.sign(contentOf(3));

    expect(await codeOf(signer?.sign(contentOf(2)) ?? Promise.resolve())).toBe('stale-version');
    expect(await codeOf(signer?.sign(new Uint8Array(3)) ?? Promise.resolve())).toBe('invalid');
  });
});

/** Carries connections to a port, until they vanish: then nothing goes through them, and neither side is told. */
async function openRoad(port: number): Promise<{ port: number; vanish(): void; close(): void }> {
  const pairs: Socket[][] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
    pairs.push([near, far]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: open } = server.address() as AddressInfo;
  return {
    port: open,
    vanish: () => {
      for (const socket of pairs.flat()) socket.unpipe().pause();
    },
    close: () => {
      for (const socket of pairs.flat()) socket.destroy();
      server.close();
    },
  };
}

describe('what a key is', () => {
  test('is asked once; a key that was removed elsewhere is found out when it signs, and then everywhere', async () => {
    const stage = newStage();
    const remote = stage.connect(await stage.start());
    const id = keyId(await remote.create(gun, TIMESTAMP, 'ecdsa'));
    const signer = await remote.signer(id);
    await signer?.sign(contentOf());

    await stage.keys.remove(id);

    expect((await remote.info(id))?.pending).toBe(false);
    expect(await codeOf(signer?.sign(contentOf()) ?? Promise.resolve())).toBe('not-found');
    expect(await remote.info(id)).toBeUndefined();
    expect(await remote.signer(id)).toBeUndefined();
  });
});

describe('a signing service that lies', () => {
  const key = PrivateKey.generate();
  const other = PrivateKey.generate();
  const infoOf = ({ key: { type, bytes }, keyId: id }: PrivateKey, named: string = id) => ({
    keyInfo: { keyId: { id: named }, algorithm: { algorithm: type } },
    publicKey: bytes,
  });
  const described = (
    of = key,
    named: string = of.keyId,
    role = 'timestamp',
    name = '',
    state: number = KeyState.untold,
  ) => GET_KEY_INFO.response.encode({ ...infoOf(of, named), role, gun: name, state });
  const signed = (content: Uint8Array) =>
    SIGN.response.encode({ keyInfo: infoOf(key).keyInfo, algorithm: { algorithm: 'ecdsa' }, content });
  let forger: ForgingSigner;
  let remote: ReturnType<typeof openRemoteServiceKeys>;
  beforeEach(async () => {
    forger = new ForgingSigner();
    const port = await forger.start();
    remote = openRemoteServiceKeys({ hostname: 'localhost', port, tls: CLIENT_TLS, ...quick });
  });
  afterEach(async () => {
    await remote.close();
    forger.close();
  });

  test("Notary's does not say for which repository a key is, nor whether it has signed", async () => {
    forger.answers = { [GET_KEY_INFO.path]: described() };
    const untold = { gun: undefined, pending: undefined };
    expect(await remote.info(key.keyId)).toEqual({ key: key.key, role: TIMESTAMP, ...untold });
  });

  test.each([
    ['another key', described(other)],
    ['a key under the ID of another', described(other, key.keyId)],
    ['no key', new Uint8Array()],
    [
      'a key that is damaged',
      GET_KEY_INFO.response.encode({
        ...infoOf(key),
        publicKey: new Uint8Array(3),
        role: 'timestamp',
        gun: '',
        state: 0,
      }),
    ],
    ['a role that cannot be', described(key, key.keyId, 'x')],
    ['a repository that cannot be', described(key, key.keyId, 'timestamp', '../x')],
    ['bytes that are no message', Uint8Array.of(255)],
  ])('%s in the place of what was asked for is a bad answer', async (_, answer) => {
    forger.answers = { [GET_KEY_INFO.path]: answer };
    expect(await codeOf(remote.info(key.keyId))).toBe('bad-answer');
  });

  test('a key of another algorithm than was asked for, or none, is a bad answer', async () => {
    forger.answers = { [CREATE_KEY.path]: CREATE_KEY.response.encode(infoOf(key)) };
    expect(await codeOf(remote.create(gun, TIMESTAMP, 'ed25519'))).toBe('bad-answer');
    forger.answers = {};
    expect(await codeOf(remote.create(gun, TIMESTAMP, 'ecdsa'))).toBe('bad-answer');
  });

  test('a signature of another key, over something else, or none, is not believed', async () => {
    const content = contentOf();
    for (const bytes of [
      await other.sign(content),
      await key.sign(contentOf(2)),
      new Uint8Array(),
      new Uint8Array(64),
    ]) {
      forger.answers = { [GET_KEY_INFO.path]: described(), [SIGN.path]: signed(bytes) };
      const signer = await remote.signer(key.keyId);
      expect(await codeOf(signer?.sign(content) ?? Promise.resolve())).toBe('bad-answer');
    }
    forger.answers = { [GET_KEY_INFO.path]: described(), [SIGN.path]: signed(await key.sign(content)) };
    expect((await (await remote.signer(key.keyId))?.sign(content))?.length).toBe(64);
  });

  test('one that says that it is not well, refuses, or is busy', async () => {
    forger.answers = { [HEALTH_CHECK.path]: HEALTH_CHECK.response.encode({ status: 2 }) };
    expect(await codeOf(remote.check())).toBe('unavailable');
    forger.answers = { [HEALTH_CHECK.path]: 'PERMISSION_DENIED' };
    expect(await codeOf(remote.check())).toBe('refused');
    forger.answers = { [HEALTH_CHECK.path]: 'RESOURCE_EXHAUSTED' };
    expect(await codeOf(remote.check())).toBe('unavailable');
    forger.answers = { [HEALTH_CHECK.path]: 'INTERNAL' };
    expect(await codeOf(remote.check())).toBe('unavailable');
    forger.answers = { [HEALTH_CHECK.path]: 'NOT_FOUND' };
    expect(await codeOf(remote.check())).toBe('unknown');
  });

  test('a call whose connection broke is tried again, a few times and no more', async () => {
    forger.answers = { [HEALTH_CHECK.path]: 'UNAVAILABLE' };
    expect(await codeOf(remote.check())).toBe('unavailable');
    expect(forger.asked.length).toBe(3);
  });
});
