// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { freePort } from '../../../test/support/free-port.ts';
import { RepositoryBuilder } from '../../../test/support/repository-builder.ts';
import { multipart } from '../../../test/support/trust-stage.ts';
import { SecretFileError } from '../../service/config/index.ts';
import { ensureOwnTls, ListenError, type Log, SILENT_LOG, TlsError } from '../../service/index.ts';
import { loadServerConfig } from '../config/index.ts';
import { type RunningServer, startServer } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'hallmark-start-'));
const running: RunningServer[] = [];
afterAll(async () => {
  await Promise.all(running.map((server) => server.stop()));
  rmSync(root, { recursive: true, force: true });
});
const now = new Date();
const own = await ensureOwnTls(join(root, 'tls'), [], now);
const other = await ensureOwnTls(join(root, 'other-tls'), [], now);
const tls = { ca: readFileSync(own.caFile, 'utf8') };
const GUN = 'example.com/app';

/** A configuration of our own form over a directory of its own: SQLite, and keys held by the server. */
function place(changes: Record<string, unknown> = {}) {
  const directory = mkdtempSync(join(root, 'd-'));
  writeFileSync(join(directory, 'passphrase'), 'a passphrase of keys\n', { mode: 0o600 });
  copyFileSync(own.certFile, join(directory, 'tls.crt'));
  copyFileSync(own.keyFile, join(directory, 'tls.key'));
  const config = {
    server: { listen: '127.0.0.1:0', tls: { cert: 'tls.crt', key: 'tls.key' } },
    storage: { engine: 'sqlite', file: 'server.db' },
    keys: { storage: { engine: 'sqlite', file: 'signer.db' }, passphraseFiles: { hallmark: 'passphrase' } },
    auth: { type: 'none' },
    operations: { listen: '127.0.0.1:0' },
    audit: { file: 'audit.log' },
    ...changes,
  };
  const file = join(directory, 'server.json');
  writeFileSync(file, JSON.stringify(config));
  return {
    directory,
    async start(log: Log = SILENT_LOG, more: Partial<Parameters<typeof startServer>[1]> = {}) {
      const { settings } = await loadServerConfig(file, {});
      const server = await startServer(settings, { env: {}, clock: () => new Date(), log, version: '1', ...more });
      running.push(server);
      return server;
    },
  };
}

const tuf = ({ url }: RunningServer, file = '') => `${url}/v2/${GUN}/_trust/tuf/${file}`;

async function repository(server: RunningServer): Promise<RepositoryBuilder> {
  const key = async (role: string) => {
    const { keytype, keyval } = JSON.parse(await (await fetch(tuf(server, `${role}.key`), { tls })).text());
    return { type: keytype, bytes: new Uint8Array(Buffer.from(keyval.public, 'base64')) };
  };
  const [timestampKey, snapshotKey] = [await key('timestamp'), await key('snapshot')];
  return RepositoryBuilder.create({ now: new Date(), timestampKey, snapshotKey });
}

const publish = async (server: RunningServer, files: Parameters<typeof multipart>[0]) =>
  (await fetch(tuf(server), { method: 'POST', ...multipart(files), tls })).status;

/** An upload of which the server has the head and a part of the body; `finish` sends the rest. */
function halfSent(server: RunningServer, files: Parameters<typeof multipart>[0]) {
  const { body, headers } = multipart(files);
  const head = `POST /v2/${GUN}/_trust/tuf/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${headers['Content-Type']}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const [sent, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  let answer = '';
  const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
    socket.write(head);
    socket.write(body.subarray(0, 100), () => sent.resolve());
  });
  socket.on('data', (bytes) => {
    answer += bytes;
    answered.resolve(answer.split('\r\n')[0] ?? '');
  });
  socket.on('error', () => answered.resolve('cut off'));
  socket.on('close', () => answered.resolve('cut off'));
  return { sent: sent.promise, answered: answered.promise, finish: () => socket.write(body.subarray(100)) };
}

const isAnswered = (server: RunningServer) =>
  fetch(`${server.url}/v2/`, { tls, keepalive: false }).then(
    () => true,
    () => false,
  );

describe('startServer', () => {
  test('keeps metadata and keys over a restart, and records who did what', async () => {
    const { directory, start } = place();
    const first = await start();
    const publisher = await repository(first);
    expect(await publish(first, publisher.all())).toBe(200);
    await first.stop();

    const second = await start();
    expect(await publish(second, publisher.bump('targets').update('targets'))).toBe(200);
    expect((await fetch(tuf(second, 'timestamp.json'), { tls })).status).toBe(200);
    await second.stop();

    const lines = readFileSync(join(directory, 'audit.log'), 'utf8').trim().split('\n').slice(1);
    const actions = lines.map((line) => (JSON.parse(line) as { action: string }).action);
    expect(actions).toEqual(['key-create', 'key-create', 'publish', 'publish']);
  });

  test('its metrics say when the certificate ends that clients are shown', async () => {
    const server = await place().start();

    const metrics = await (await fetch(`${server.operationsUrl}/metrics`)).text();

    const end = new X509Certificate(own.identity.cert).validToDate.getTime() / 1000;
    expect(metrics).toContain(`hallmark_tls_certificate_expiry_timestamp_seconds{shown_to="clients"} ${end}\n`);
  });

  test('told to stop, it is not ready, accepts nothing new, and answers what is under way: no publish is lost', async () => {
    const { start } = place();
    const server = await start();
    const publisher = await repository(server);
    const upload = halfSent(server, publisher.all());
    await upload.sent;
    // a request of its own has gone through all that the half-sent one has gone through as well
    expect((await fetch(`${server.operationsUrl}/ready`)).status).toBe(200);

    const stopped = server.stop();
    expect((await fetch(`${server.operationsUrl}/ready`)).status).toBe(503);
    expect((await fetch(`${server.operationsUrl}/live`)).status).toBe(200);
    while (await isAnswered(server)) await Promise.resolve();
    upload.finish();

    expect(await upload.answered).toBe('HTTP/1.1 200 OK');
    await stopped;
    const again = await start();
    expect((await fetch(tuf(again, 'targets.json'), { tls })).status).toBe(200);
  });

  test('what does not end within the time to drain is cut off, and was not stored', async () => {
    const { start } = place({ limits: { drain: '0s' } });
    const server = await start();
    const upload = halfSent(server, (await repository(server)).all());
    await upload.sent;

    await server.stop();

    expect(await upload.answered).toBe('cut off');
    const again = await start();
    expect((await fetch(tuf(again, 'root.json'), { tls })).status).toBe(404);
  });

  test('told that it is stopping, it goes on taking requests for as long as balancers need to hear of it', async () => {
    const { start } = place({ limits: { stopDelay: '1h' } });
    const [asked, heard] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()];
    const wait = (ms: number) => {
      asked.resolve(ms);
      return heard.promise;
    };
    const server = await start(SILENT_LOG, { wait });
    const stopped = server.stop();
    expect(await asked.promise).toBe(3_600_000);

    expect((await fetch(`${server.operationsUrl}/ready`)).status).toBe(503);
    expect((await fetch(`${server.url}/v2/`, { tls })).status).toBe(200);
    heard.resolve();
    await stopped;
    await expect(fetch(`${server.url}/v2/`, { tls, keepalive: false })).rejects.toThrow();
  });

  test('certificates are taken up while it runs, broken ones are not', async () => {
    const { directory, start } = place();
    const errors: unknown[] = [];
    const server = await start({ ...SILENT_LOG, error: (fields) => void errors.push(fields) });
    const ask = async (identity: typeof own) =>
      (await fetch(`${server.url}/v2/`, { tls: { ca: readFileSync(identity.caFile, 'utf8') }, keepalive: false }))
        .status;

    copyFileSync(other.certFile, join(directory, 'tls.crt'));
    await server.reload();
    expect(errors).toMatchObject([{ error: expect.any(TlsError) }]);
    expect(await ask(own)).toBe(200);
    copyFileSync(other.keyFile, join(directory, 'tls.key'));
    await server.reload();

    expect(await ask(other)).toBe(200);
    await expect(ask(own)).rejects.toThrow();
  });

  test('S8 S4 nothing starts with files that are missing or do not fit, and nothing is left behind', async () => {
    const missing = place({ server: { listen: '127.0.0.1:0', tls: { cert: 'no.crt', key: 'tls.key' } } });
    await expect(missing.start()).rejects.toBeInstanceOf(TlsError);
    const passphrase = place({
      keys: { storage: { engine: 'sqlite', file: 'signer.db' }, passphraseFiles: { hallmark: 'nowhere' } },
    });
    await expect(passphrase.start()).rejects.toBeInstanceOf(SecretFileError);
    const signer = { address: 'localhost:1', tls: { ca: 'no', cert: 'tls.crt', key: 'tls.key' } };
    await expect(place({ keys: undefined, signer }).start()).rejects.toBeInstanceOf(SecretFileError);
  });

  test('a port that is taken is an error, and what had been opened is closed: the same configuration starts later', async () => {
    const there = { server: { listen: `127.0.0.1:${await freePort()}`, tls: { cert: 'tls.crt', key: 'tls.key' } } };
    const taken = await place(there).start();
    const waiting = place(there);
    await expect(waiting.start()).rejects.toBeInstanceOf(ListenError);
    await taken.stop();

    const server = await waiting.start();
    expect((await fetch(`${server.url}/v2/`, { tls, keepalive: false })).status).toBe(200);
  });

  test('a signing service that is not there keeps nobody from reading: ready for that, and it says why not for more', async () => {
    const signer = { address: 'localhost:1', tls: { ca: 'tls.crt', cert: 'tls.crt', key: 'tls.key' } };
    const server = await place({ keys: undefined, signer }).start();

    const ready = await fetch(`${server.operationsUrl}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      // the reason comes half a second before readiness gives up, which a busy machine may need for itself
      { status: 'degraded', checks: { storage: 'ok', signer: expect.stringMatching(/ECONNREFUSED|no answer within/) } },
    ]);
    expect((await fetch(tuf(server, 'root.json'), { tls })).status).toBe(404);
    expect((await fetch(`${server.url}/_notary_server/health`, { tls })).status).toBe(200);
  });
});

describe('the console', () => {
  const pages = async (request: Request) => new Response(`page ${new URL(request.url).pathname}`);
  const opened = async (console: unknown) => {
    const { directory } = place(console === undefined ? {} : { console });
    const { settings } = await loadServerConfig(join(directory, 'server.json'), {});
    const context = { env: {}, clock: () => new Date(), log: SILENT_LOG, version: '1' };
    const server = await startServer(settings, { ...context, openConsole: () => pages });
    running.push(server);
    return server;
  };
  const answer = async (url: string) => (await fetch(url, { tls })).text();

  test('is below a path of the server, or at an address of its own, with the same TLS', async () => {
    const beside = await opened({});
    expect(beside.consoleUrl).toBe(`${beside.url}/console/`);
    expect(await answer(`${beside.url}/console/`)).toBe('page /console/');
    expect(await answer(`${beside.url}/v2/`)).toBe('{}');

    const apart = await opened({ listen: '127.0.0.1:0' });
    expect(await answer(apart.consoleUrl ?? '')).toBe('page /console/');
    expect((await fetch(`${apart.url}/console/`, { tls })).status).toBe(404);
  });

  test('is nowhere unless it was asked for', async () => {
    const server = await opened(undefined);
    expect(server.consoleUrl).toBeUndefined();
    expect((await fetch(`${server.url}/console/`, { tls })).status).toBe(404);
  });
});
