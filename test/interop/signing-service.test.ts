// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRemoteServiceKeys } from '../../src/signing/remote/index.ts';
import { keyId, parseGun, TIMESTAMP } from '../../src/tuf/index.ts';
import { freePort } from '../support/free-port.ts';
import { makeCertificates } from './support/certificates.ts';
import { promise } from './support/journal.ts';
import { startNotaryServerOn, startNotarySigner, type TrustServer } from './support/notary-server.ts';
import { expectSuccess, tableRows } from './support/notary-world.ts';
import { run, type Service } from './support/processes.ts';
import { cleanEnvironment, program } from './support/programs.ts';
import { type ServerOnSigner, startServerOn, startSigner } from './support/signing-service.ts';
import { Stage } from './support/stage.ts';
import { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const DAY = 86_400_000;

/** What the notary CLI sees of a trust server whose keys a signing service holds, from the first publish on. */
function describePublisher(gun: string, server: () => TrustServer, stage: Stage): void {
  let owner: User;
  const published: string[] = [];
  const rotated = (role: string) => `Successfully rotated ${role} key for repository ${gun}\n`;
  const keyOf = async (role: string): Promise<string> => {
    const files = await metadata(server(), gun, 'root');
    return files.roles[role].keyids[0];
  };

  async function expectPublish(name: string): Promise<void> {
    expectSuccess(await owner.notary('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
    published.push(name);
    const reader = new User(stage, `reader-${name}`, server());
    const rows = tableRows(expectSuccess(await reader.notary('list', gun)));
    expect(rows.map(([target]) => target)).toEqual([...published].sort());
  }

  promise('a repository is made and published, with the snapshot key at the service', async () => {
    owner = new User(stage, `owner-${gun.replaceAll('/', '-')}`, server());
    expectSuccess(await owner.notary('init', gun));
    await expectPublish('first');
    expect(expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'))).toBe(rotated('snapshot'));
    await expectPublish('second');
  });

  promise('its timestamp and snapshot keys are rotated: new ones, and everybody follows', async () => {
    for (const role of ['timestamp', 'snapshot']) {
      const before = await keyOf(role);
      expect(expectSuccess(await owner.notary('key', 'rotate', gun, role, '-r'))).toBe(rotated(role));
      expect(await keyOf(role)).not.toBe(before);
      await expectPublish(`after-${role}`);
    }
  });

  promise('deleted and published again with the keys that it had, it begins at version 1 and goes on', async () => {
    const again = `${gun}-again`;
    const first = new User(stage, `first-${again.replaceAll('/', '-')}`, server());
    expectSuccess(await first.notary('init', again));
    expectSuccess(await first.notary('key', 'rotate', again, 'snapshot', '-r'));
    for (const name of ['one', 'two'])
      expectSuccess(await first.notary('addhash', again, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
    const before = await metadata(server(), again, 'timestamp');
    const body = new FormData();
    for (const role of ['root', 'targets'])
      body.append('files', new Blob([await (await send(server(), again, `${role}.json`)).arrayBuffer()]), role);

    expect((await send(server(), again, '', { method: 'DELETE' })).status).toBe(200);
    for (const version of [1, 2]) {
      const response = await send(server(), again, '', { method: 'POST', body: version === 1 ? body : new FormData() });
      expect([response.status, await response.text()]).toEqual([200, '']);
      expect((await metadata(server(), again, 'timestamp')).version).toBe(version);
    }
    expect(before.version).toBeGreaterThan(2);
    const newcomer = new User(stage, `newcomer-${again.replaceAll('/', '-')}`, server());
    expect(tableRows(expectSuccess(await newcomer.notary('list', again)))).toHaveLength(2);
  });
}

describe("Debian's notary-server on Hallmark's signing service", () => {
  const stage = new Stage();
  let server: TrustServer;
  let signer: Service;
  beforeAll(async () => {
    const directory = stage.makeDirectory('services');
    await makeCertificates(directory, ['signer', 'server']);
    const port = await freePort();
    signer = await startSigner(stage, directory, port);
    server = await startNotaryServerOn(stage, directory, port);
  }, START_MILLISECONDS);
  afterAll(() => stage.close());

  describePublisher('example.com/debian-server', () => server, stage);

  promise('nothing that it asked for was refused, and every use of a key is in the record', async () => {
    expect(signer.text).not.toContain('"phase":"refused"');
    expect(signer.text).not.toContain('"phase":"failed"');
    const uses = (phase: string) => signer.text.split(`"phase":"${phase}"`).length - 1;
    expect(uses('intent')).toBeGreaterThan(10);
    expect(uses('done')).toBe(uses('intent'));
    expect(signer.text).toContain('"client":"server"');
  });
});

describe("Hallmark's trust server on Debian's notary-signer", () => {
  const stage = new Stage();
  let server: ServerOnSigner;
  let directory: string;
  let port: number;
  beforeAll(async () => {
    directory = stage.makeDirectory('services');
    await makeCertificates(directory, ['signer', 'server']);
    port = await startNotarySigner(stage, directory);
    server = startServerOn(directory, port);
  }, START_MILLISECONDS);
  afterAll(async () => {
    await server.close();
    await stage.close();
  });

  describePublisher('example.com/debian-signer', () => server, stage);

  promise('it makes a new timestamp when the old one has expired', async () => {
    const before = await metadata(server, 'example.com/debian-signer', 'timestamp');
    server.now = () => new Date(Date.now() + 20 * DAY);
    expect((await metadata(server, 'example.com/debian-signer', 'timestamp')).version).toBe(before.version + 1);
    server.now = () => new Date();
  });

  promise('it is well; an unknown key is told as that, and a key of its own has role and algorithm', async () => {
    const keys = openRemoteServiceKeys({ hostname: '127.0.0.1', port, tls: tlsOf(directory, 'server') });
    await keys.check();
    expect(await keys.info(keyId({ type: 'ed25519', bytes: new Uint8Array(32) }))).toBeUndefined();
    for (const algorithm of ['ecdsa', 'ed25519'] as const) {
      const key = await keys.create(parseGun('example.com/direct'), TIMESTAMP, algorithm);
      expect(await keys.info(keyId(key))).toEqual({ key, role: TIMESTAMP, gun: undefined, pending: undefined });
      expect((await (await keys.signer(keyId(key)))?.sign(new Uint8Array(10)))?.length).toBe(64);
      await keys.remove(keyId(key));
      expect(await keys.signer(keyId(key))).toBeUndefined();
    }
    await keys.close();
  });
});

describe("Hallmark's trust server on Hallmark's signing service", () => {
  const stage = new Stage();
  let server: ServerOnSigner;
  let directory: string;
  let port: number;
  let signer: Service;
  beforeAll(async () => {
    directory = stage.makeDirectory('services');
    await makeCertificates(directory, ['signer', 'server']);
    port = await freePort();
    signer = await startSigner(stage, directory, port);
    server = startServerOn(directory, port);
  }, START_MILLISECONDS);
  afterAll(async () => {
    await server.close();
    await stage.close();
  });

  describePublisher('example.com/ours', () => server, stage);

  promise('S4 without a certificate, and with one of another authority, nobody gets in', async () => {
    const strange = stage.makeDirectory('strangers');
    await makeCertificates(strange, ['server']);
    const ca = join(directory, 'ca.crt');
    const own = ['-cert', join(strange, 'server.crt'), '-key', join(strange, 'server.key')];
    for (const identity of [[], own]) {
      const outcome = await run(
        [
          program('openssl'),
          's_client',
          '-connect',
          `127.0.0.1:${port}`,
          '-alpn',
          'h2',
          '-CAfile',
          ca,
          '-quiet',
          ...identity,
        ],
        { env: cleanEnvironment({ HOME: strange }), stdin: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
      );
      expect(outcome.output).toMatch(/alert certificate required|unexpected eof|(read|write):errno=(32|104)/);
    }
    const tls = { ...tlsOf(strange, 'server'), ca: readFileSync(ca, 'utf8') };
    const keys = openRemoteServiceKeys({ hostname: 'localhost', port, tls, limits: { deadlineMs: 1000 } });
    await expect(keys.check()).rejects.toMatchObject({ code: 'unavailable' });
    await keys.close();
  });

  promise('the service is killed and started again during publishes: none that was acknowledged is lost', async () => {
    const [gun, names] = ['example.com/killed', ['a', 'b', 'c', 'd', 'e', 'f']];
    const restart = async () => {
      await signer.kill();
      signer = await startSigner(stage, directory, port);
    };
    const owner = new User(stage, 'killed', server);
    expectSuccess(await owner.notary('init', gun));
    expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'));
    const acknowledged: string[] = [];
    for (const name of names) {
      // killed while the publish is under way: before, between or after its two signatures
      const [outcome] = await Promise.all([
        owner.notary('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'),
        signer.line(new RegExp(`"use":"sign".*"gun":"${gun}".*"phase":"intent"`)).then(restart),
      ]);
      if (outcome.code === 0) acknowledged.push(name);
    }
    expectSuccess(await owner.notary('addhash', gun, 'last', '11', '--sha256', 'cd'.repeat(32), '-p'));
    const reader = new User(stage, 'killed-reader', server);
    const listed = tableRows(expectSuccess(await reader.notary('list', gun))).map(([name]) => name);
    expect(listed).toEqual(expect.arrayContaining([...acknowledged, 'last']));
    expect(acknowledged.length).toBeGreaterThan(0);
  });

  promise('it makes a new timestamp when the old one has expired, if the service finds so too', async () => {
    const before = await metadata(server, 'example.com/ours', 'timestamp');
    server.now = () => new Date(Date.now() + 20 * DAY);
    expect((await send(server, 'example.com/ours', 'timestamp.json')).status).toBe(500);
    await signer.kill();
    signer = await startSigner(stage, directory, port, 20);
    expect((await metadata(server, 'example.com/ours', 'timestamp')).version).toBe(before.version + 1);
  });
});

function tlsOf(directory: string, name: string) {
  const read = (file: string) => readFileSync(join(directory, file), 'utf8');
  return { ca: read('ca.crt'), cert: read(`${name}.crt`), key: read(`${name}.key`) };
}

async function send(server: TrustServer, gun: string, file: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url}/v2/${gun}/_trust/tuf/${file}`, { ...init, tls: { ca: readFileSync(server.ca, 'utf8') } });
}

// biome-ignore lint/suspicious/noExplicitAny: metadata, typed where it is used
async function metadata(server: TrustServer, gun: string, role: string): Promise<any> {
  const response = await send(server, gun, `${role}.json`);
  expect(response.status).toBe(200);
  return JSON.parse(await response.text()).signed;
}
