// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, test } from 'bun:test';
import { RawSignerClient } from '../../test/support/raw-signer-client.ts';
import { SigningStage, TLS } from '../../test/support/signing-stage.ts';
import { openLog } from '../service/index.ts';
import type { Signer } from '../signing/index.ts';
import { CREATE_KEY, DELETE_KEY, SIGN } from '../signing/protocol/index.ts';
import { MemoryServiceKeys, type ServiceKeys } from '../signing/service-keys/index.ts';
import { keyId, nextTimestamp, notaryV1, parseGun, sha256Hex, TIMESTAMP } from '../tuf/index.ts';
import { auditToLog, type KeyUse } from './index.ts';

const gun = parseGun('docker.io/library/alpine');
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function opened(keys: ServiceKeys = new MemoryServiceKeys(), audit?: (use: KeyUse) => void | Promise<void>) {
  const stage = new SigningStage(keys);
  const service = await stage.start(audit === undefined ? {} : { audit });
  const client = new RawSignerClient(service.port);
  open.push(stage, client);
  const content = notaryV1.encodeSigned(nextTimestamp(undefined, notaryV1.pin(new Uint8Array()), stage.now));
  return { stage, client, content };
}

describe('audit of key use', () => {
  test('each use has a line before and one after: who, which key, for what, which content', async () => {
    const { stage, client, content } = await opened();

    await client.call(CREATE_KEY, { algorithm: 'ecdsa', gun, role: 'timestamp' });
    const key = await stage.keys.create(gun, TIMESTAMP, 'ecdsa');
    const id = keyId(key);
    await client.call(SIGN, { keyId: { id }, content });
    await client.call(DELETE_KEY, { id });

    const who = {
      at: '2026-11-23T12:00:00.000Z',
      client: 'trust-server',
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    };
    const signing = { use: 'sign', keyId: id, gun, role: 'timestamp', version: 1, sha256: sha256Hex(content) };
    const made = { use: 'create', gun, role: 'timestamp', algorithm: 'ecdsa' };
    const removed = { use: 'remove', keyId: id, gun, role: 'timestamp' };
    expect<unknown>(stage.uses).toEqual([
      { ...who, ...made, phase: 'intent' },
      { ...who, ...made, keyId: id, phase: 'done' },
      { ...who, ...signing, phase: 'intent' },
      { ...who, ...signing, phase: 'done' },
      { ...who, ...removed, phase: 'intent' },
      { ...who, ...removed, phase: 'done' },
    ]);
    const ids = stage.uses.map((use) => use.id);
    expect([ids[0] === ids[1], ids[2] === ids[3], new Set(ids).size]).toEqual([true, true, 3]);
  });

  test('bears the ID of the request that it was for, as the server says it, and nothing that is no ID', async () => {
    const { stage, content } = await opened();
    const service = await stage.start();
    let said: string | undefined = 'f1a9-4c';
    const remote = stage.connect(service, { requestId: () => said });
    const id = keyId(await stage.keys.create(gun, TIMESTAMP, 'ecdsa'));
    const idsOf = async (next: string | undefined) => {
      said = next;
      stage.uses.length = 0;
      await (await remote.signer(id))?.sign(content);
      return stage.uses.map(({ requestId }) => requestId);
    };

    expect(await idsOf('f1a9-4c')).toEqual(['f1a9-4c', 'f1a9-4c']);
    expect(await idsOf(undefined)).toEqual([undefined, undefined]);
    expect(await idsOf('a "quoted" name')).toEqual([undefined, undefined]);
    expect(await idsOf('x'.repeat(129))).toEqual([undefined, undefined]);
  });

  test('what is refused, and to whom, is recorded too; what fails is recorded as failed', async () => {
    const keys = new MemoryServiceKeys();
    const failing: ServiceKeys = {
      create: keys.create.bind(keys),
      info: keys.info.bind(keys),
      remove: keys.remove.bind(keys),
      signer: async (id) => {
        const signer = await keys.signer(id);
        return signer && { ...signer, sign: () => Promise.reject(new Error('the token is gone')) };
      },
    };
    const { stage, client, content } = await opened(failing);
    const id = keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'));

    await client.call(SIGN, { keyId: { id }, content: content.subarray(1) });
    await client.call(SIGN, { keyId: { id: '0'.repeat(64) }, content });
    const answer = await client.call(SIGN, { keyId: { id }, content });

    expect(stage.uses.map(({ phase, reason }) => [phase, reason])).toEqual([
      ['refused', expect.stringContaining('not timestamp metadata')],
      ['refused', `signing key not found: ${'0'.repeat(64)}`],
      ['intent', undefined],
      ['failed', 'the key cannot be used'],
    ]);
    expect(answer).toEqual({ code: 'INTERNAL', details: 'the key cannot be used' });
  });

  test('a use that is forbidden is recorded', async () => {
    const stage = new SigningStage();
    const service = await stage.start({ allowed: { sign: ['somebody'], create: [], remove: [] } });
    const client = new RawSignerClient(service.port, { ca: TLS.ca.cert, ...TLS['other-client'] });
    open.push(stage, client);

    await client.call(SIGN, { keyId: { id: '0'.repeat(64) }, content: new Uint8Array(1) });
    await client.call(CREATE_KEY, { algorithm: 'ecdsa', gun, role: 'timestamp' });
    await client.call(DELETE_KEY, { id: '0'.repeat(64) });

    expect(stage.uses.map(({ use, phase, client: name }) => [use, phase, name])).toEqual([
      ['sign', 'refused', 'another-server'],
      ['create', 'refused', 'another-server'],
      ['remove', 'refused', 'another-server'],
    ]);
  });

  test('nothing is signed, made or destroyed while its intent cannot be recorded', async () => {
    const keys = new MemoryServiceKeys();
    const id = keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'));
    let isSigned = false;
    const counting: ServiceKeys = {
      create: () => Promise.reject(new Error('made')),
      info: keys.info.bind(keys),
      remove: () => Promise.reject(new Error('destroyed')),
      signer: async (which) => {
        const signer = await keys.signer(which);
        const sign = (message: Uint8Array) => {
          isSigned = true;
          return (signer as Signer).sign(message);
        };
        return signer && { ...signer, sign };
      },
    };
    const full = () => Promise.reject(new Error('disk full'));
    const { client, content } = await opened(counting, full);

    const internal = { code: 'INTERNAL', details: 'internal error' };
    expect(await client.call(SIGN, { keyId: { id }, content })).toEqual(internal);
    expect(await client.call(CREATE_KEY, { algorithm: 'ecdsa', gun, role: 'timestamp' })).toEqual(internal);
    expect(await client.call(DELETE_KEY, { id })).toEqual(internal);
    expect(isSigned).toBe(false);
  });

  test('a signature stays back when its outcome cannot be recorded', async () => {
    const keys = new MemoryServiceKeys();
    const id = keyId(await keys.create(gun, TIMESTAMP, 'ecdsa'));
    const { client, content } = await opened(keys, (use) => {
      if (use.phase === 'done') throw new Error('disk full');
    });
    expect(await client.call(SIGN, { keyId: { id }, content })).toEqual({
      code: 'INTERNAL',
      details: 'internal error',
    });
  });

  test('as lines of a log', () => {
    const lines: { level: string; msg: string; use: string; phase: string }[] = [];
    const audit = auditToLog(openLog('info', { write: (line) => void lines.push(JSON.parse(line)) }));
    const use = { use: 'sign', id: 'x', at: '2026-11-23T12:00:00.000Z', client: 'a', address: 'b' } as const;

    audit({ ...use, phase: 'intent' });
    audit({ ...use, phase: 'done', restart: true });
    audit({ ...use, phase: 'refused', reason: 'no' });
    audit({ ...use, phase: 'failed', reason: 'broken' });

    expect(lines.map(({ level, phase, msg }) => [level, phase, msg])).toEqual([
      ['info', 'intent', 'key use'],
      ['warn', 'done', 'key use'],
      ['warn', 'refused', 'key use'],
      ['error', 'failed', 'key use'],
    ]);
  });
});
