// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:tls';
import { RawSignerClient } from '../../test/support/raw-signer-client.ts';
import { CLIENT_TLS, SERVICE_TLS, SigningStage, TLS } from '../../test/support/signing-stage.ts';
import { ListenError } from '../service/index.ts';
import { CREATE_KEY, DELETE_KEY, GET_KEY_INFO, HEALTH_CHECK, SIGN } from '../signing/protocol/index.ts';
import { MemoryServiceKeys } from '../signing/service-keys/index.ts';
import {
  isSignatureValid,
  type KeyId,
  keyId,
  nextTimestamp,
  notaryV1,
  type PublicKey,
  parseGun,
  SIGNATURE_METHODS,
  TIMESTAMP,
  type Version,
} from '../tuf/index.ts';
import { SigningServiceTlsError } from './signing-service.ts';

const gun = 'docker.io/library/alpine';
const stage = new SigningStage();
const clients: RawSignerClient[] = [];
afterAll(async () => {
  for (const client of clients) client.close();
  await stage.close();
});

const service = await stage.start();
function clientOf(port: number, tls?: ConstructorParameters<typeof RawSignerClient>[1]): RawSignerClient {
  const client = new RawSignerClient(port, tls);
  clients.push(client);
  return client;
}
const client = clientOf(service.port);

let guns = 0;
/** A fresh timestamp key, as its client sees it. */
async function newKey(algorithm: 'ecdsa' | 'ed25519' = 'ecdsa'): Promise<PublicKey & { id: KeyId }> {
  const made = await client.call(CREATE_KEY, { algorithm, gun: `example.com/${++guns}`, role: 'timestamp' });
  if (!('publicKey' in made)) throw new Error(made.details);
  const key = { type: made.keyInfo?.algorithm?.algorithm ?? '', bytes: new Uint8Array(made.publicKey) };
  return { ...key, id: keyId(key) };
}

function timestamp(version = 1, now = stage.now): Uint8Array {
  const first = nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), now);
  return notaryV1.encodeSigned({ ...first, version: version as Version });
}
const sign = (id: string, content: Uint8Array, by = client) => by.call(SIGN, { keyId: { id }, content });

describe("the signing service speaks as Notary's signer does", () => {
  for (const algorithm of ['ecdsa', 'ed25519'] as const) {
    test(`an ${algorithm} key is made, described and signs`, async () => {
      const key = await newKey(algorithm);

      const info = await client.call(GET_KEY_INFO, { id: key.id });
      const signature = await sign(key.id, timestamp());

      const keyInfo = { keyId: { id: key.id }, algorithm: { algorithm } };
      const name = parseGun(`example.com/${guns}`);
      expect(info).toEqual({ keyInfo, publicKey: Buffer.from(key.bytes), role: 'timestamp', gun: name, state: 1 });
      const method = SIGNATURE_METHODS[algorithm];
      expect(signature).toMatchObject({ keyInfo, algorithm: { algorithm: method } });
      const bytes = 'content' in signature ? new Uint8Array(signature.content) : new Uint8Array();
      expect(isSignatureValid(key, timestamp(), { keyId: key.id, method, bytes })).toBe(true);
      expect(await client.call(GET_KEY_INFO, { id: key.id })).toMatchObject({ state: 2 });
    });
  }

  const unknown = '0'.repeat(64);
  test('codes and texts are those of the original', async () => {
    const create = (algorithm: string) => client.call(CREATE_KEY, { algorithm, gun, role: 'timestamp' });
    expect(await create('rsa')).toEqual({ code: 'UNKNOWN', details: 'algorithm rsa not supported for create key' });
    expect(await client.call(GET_KEY_INFO, { id: unknown })).toEqual({
      code: 'NOT_FOUND',
      details: `key ${unknown} not found`,
    });
    expect(await sign(unknown, timestamp())).toEqual({
      code: 'NOT_FOUND',
      details: `signing key not found: ${unknown}`,
    });
    expect(await client.call(DELETE_KEY, { id: unknown })).toEqual({});
    const key = await newKey();
    expect(await client.call(DELETE_KEY, { id: key.id })).toEqual({});
    expect(await sign(key.id, timestamp())).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('health: as a whole, of both parts, and of what is unknown', async () => {
    for (const name of ['', 'grpc.health.v1.Health.KeyManagement', 'grpc.health.v1.Health.Signer'])
      expect(await client.call(HEALTH_CHECK, { service: name })).toEqual({ status: 1 });
    expect(await client.call(HEALTH_CHECK, { service: 'proto.Signer' })).toEqual({
      code: 'NOT_FOUND',
      details: 'unknown service',
    });
    expect(await client.send('/grpc.health.v1.Health/Watch', new Uint8Array(), () => 0)).toMatchObject({
      code: 'UNIMPLEMENTED',
    });
  });

  test('a key that cannot be made is told in Notary’s words, and keys that cannot be had make it unwell', async () => {
    const keys = new MemoryServiceKeys();
    const fail = async () => {
      throw new Error('the disk is on fire');
    };
    const broken = { create: fail, signer: fail, info: fail, remove: keys.remove.bind(keys) };
    const other = clientOf((await stage.start({ keys: broken })).port);

    expect(await other.call(CREATE_KEY, { algorithm: 'ecdsa', gun, role: 'timestamp' })).toEqual({
      code: 'INTERNAL',
      details: 'Key creation failed',
    });
    expect(await other.call(GET_KEY_INFO, { id: unknown })).toEqual({ code: 'INTERNAL', details: 'internal error' });
    expect(await other.call(HEALTH_CHECK, { service: '' })).toEqual({ status: 2 });
  });
});

describe('what a client may send', () => {
  test('W signer crash on missing keyID: it is the client’s fault, and the service goes on', async () => {
    for (const keyId of [undefined, { id: '' }])
      expect(await client.call(SIGN, { keyId, content: timestamp() })).toEqual({
        code: 'INVALID_ARGUMENT',
        details: 'the request names no key',
      });
    expect(await client.call(HEALTH_CHECK, { service: '' })).toEqual({ status: 1 });
  });

  test('bytes that are no message are refused; fields that are unknown are passed over', async () => {
    const key = await newKey();
    for (const bytes of [Uint8Array.of(255), Uint8Array.of(10, 200, 1), Uint8Array.of(8), Uint8Array.of(11)])
      expect(await client.send(SIGN.path, bytes, () => 0)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const request = SIGN.request.encode({ keyId: { id: key.id }, content: timestamp() });
    const unknown = Uint8Array.of(0xf8, 0x01, 0x07, 0xfa, 0x01, 0x02, 1, 2, 0xfd, 0x01, 1, 2, 3, 4);
    const answer = await client.send(SIGN.path, Buffer.concat([unknown, request]), SIGN.response.decode);
    expect(answer).toMatchObject({ algorithm: { algorithm: 'ecdsa' } });
  });

  test('S23 a message over 4 MiB is refused, and the service goes on', async () => {
    const key = await newKey();
    expect(await sign(key.id, new Uint8Array(4 * 1024 * 1024))).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(await sign(key.id, timestamp())).toMatchObject({ algorithm: { algorithm: 'ecdsa' } });
  });

  test('S23 names that nobody can have are refused, and quoted', async () => {
    const create = (role: string, name: string) => client.call(CREATE_KEY, { algorithm: 'ecdsa', gun: name, role });
    for (const role of ['root', 'targets', 'targets/releases', '', 'x'])
      expect(await create(role, gun)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (const name of ['', '../x', 'a//b', 'x'.repeat(256)])
      expect(await create('timestamp', name)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const answer = await sign('\u001b[31m', timestamp());
    expect(answer).toEqual({ code: 'NOT_FOUND', details: 'signing key not found: "\\u001b[31m"' });
  });

  test('S23 calls beyond those that may be under way are refused at once; what takes too long is given up', async () => {
    const keys = new MemoryServiceKeys();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const slow = {
      create: keys.create.bind(keys),
      remove: keys.remove.bind(keys),
      signer: keys.signer.bind(keys),
      info: () => promise,
    };
    const { port } = await stage.start({ keys: slow, limits: { inFlight: 2, deadlineMs: 300 } });
    const ask = (by: RawSignerClient) => by.call(GET_KEY_INFO, { id: unknown });
    // two connections: each has as many streams as calls may be under way
    const [one, two] = [clientOf(port), clientOf(port)];

    const first = [ask(one), ask(one)];
    expect(await Promise.all(first)).toEqual([late, late]);
    // they are given up, and go on all the same
    expect(await ask(two)).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    resolve(undefined);
    expect(await ask(two)).toMatchObject({ code: 'NOT_FOUND' });
  });
  const unknown = '0'.repeat(64);
  const late = { code: 'DEADLINE_EXCEEDED', details: 'the call took too long' };
});

describe('S4 mutual TLS', () => {
  test('without certificate, key or authority of the clients, it does not start', async () => {
    const foreign = TLS.client.key;
    const broken = [
      { cert: '' },
      { key: '' },
      { clientCa: '' },
      { key: foreign },
      { clientCa: TLS.client.cert },
      { cert: 'x' },
    ];
    for (const part of broken)
      await expect(stage.start({ tls: { ...SERVICE_TLS, ...part } })).rejects.toBeInstanceOf(SigningServiceTlsError);
  });

  test('with an expired certificate it does not start', async () => {
    const clock = () => new Date('2099-01-01T00:00:00Z');
    await expect(stage.start({ clock })).rejects.toThrow('has expired');
  });

  test('an address in use is told as that', async () => {
    await expect(stage.start({ port: service.port })).rejects.toBeInstanceOf(ListenError);
  });

  test('a client without a certificate, or with one of another authority, is refused before it says anything', async () => {
    const { ca } = CLIENT_TLS;
    for (const tls of [{ ca }, { ca, ...TLS.stranger }]) {
      const answer = await clientOf(service.port, tls).call(HEALTH_CHECK, { service: '' });
      expect(answer).toMatchObject({ code: 'UNAVAILABLE' });
    }
  });

  test.each([
    ['TLSv1.1', 'refused'],
    ['TLSv1.2', 'TLSv1.2'],
    ['TLSv1.3', 'TLSv1.3'],
  ] as const)('a client that speaks up to %s: %s', async (maxVersion, spoken) => {
    const { ca, cert, key } = CLIENT_TLS;
    const { promise, resolve } = Promise.withResolvers<string>();
    const versions = { minVersion: 'TLSv1', maxVersion, ALPNProtocols: ['h2'] } as const;
    const socket = connect(
      { host: '127.0.0.1', port: service.port, ca, cert, key, servername: 'localhost', ...versions },
      () => resolve(socket.getProtocol() ?? 'unknown'),
    );
    socket.on('error', () => resolve('refused'));
    expect(await promise).toBe(spoken);
    socket.destroy();
  });

  test('a list of names says who may do what; common names and DNS names count', async () => {
    const key = await stage.keys.create(parseGun('example.com/allowed'), TIMESTAMP, 'ecdsa');
    const allowed = { sign: ['trust-server'], create: ['trust-2.example'], remove: [] };
    const { port } = await stage.start({ allowed });
    const [server, other] = [clientOf(port), clientOf(port, { ...CLIENT_TLS, ...TLS['other-client'] })];
    const create = (by: RawSignerClient) => by.call(CREATE_KEY, { algorithm: 'ecdsa', gun, role: 'timestamp' });
    const id = keyId(key);

    expect(await sign(id, timestamp(), server)).toMatchObject({ algorithm: { algorithm: 'ecdsa' } });
    expect(await sign(id, timestamp(), other)).toEqual({
      code: 'PERMISSION_DENIED',
      details: 'another-server is not allowed to do this: sign',
    });
    expect(await create(server)).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await create(other)).toMatchObject({ keyInfo: { algorithm: { algorithm: 'ecdsa' } } });
    for (const by of [server, other]) {
      expect(await by.call(DELETE_KEY, { id })).toMatchObject({ code: 'PERMISSION_DENIED' });
      expect(await by.call(GET_KEY_INFO, { id })).toMatchObject({ role: 'timestamp' });
    }
  });

  test('a certificate whose names are made to look like others is nobody of the list', async () => {
    const { port } = await stage.start({ allowed: { info: ['trust-server', 'trust-2.example'] } });
    const forged = clientOf(port, { ...CLIENT_TLS, ...TLS.forged });
    expect(await forged.call(GET_KEY_INFO, { id: '0'.repeat(64) })).toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});
