// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { ListenError, listen } from './listener.ts';
import { SILENT_LOG } from './log.ts';
import { ensureOwnTls } from './own-authority.ts';
import { listenReloading, type ReloadingOptions } from './reloading-listener.ts';
import { loadTlsIdentity, TlsError } from './tls-identity.ts';

const scratch = mkdtempSync(join(tmpdir(), 'hallmark-reload-'));
const open: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(open.map((listener) => listener.stop()));
  rmSync(scratch, { recursive: true, force: true });
});

const now = new Date();
const [first, second] = [
  await ensureOwnTls(join(scratch, 'first'), [], now),
  await ensureOwnTls(join(scratch, 'second'), [], now),
];

function files(name: string) {
  const directory = join(scratch, name);
  mkdirSync(directory);
  const [cert, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const use = (identity: typeof first) => {
    copyFileSync(identity.certFile, cert);
    copyFileSync(identity.keyFile, key);
  };
  use(first);
  return { cert, key, use, load: () => loadTlsIdentity(cert, key, now) };
}

async function start(loadTls: ReloadingOptions['loadTls'], options: Partial<ReloadingOptions> = {}) {
  const listener = await listenReloading({
    fetch: async () => new Response('answered'),
    loadTls,
    log: SILENT_LOG,
    clock: () => now,
    hostname: '127.0.0.1',
    port: 0,
    ...options,
  });
  open.push(listener);
  return listener;
}

/** The certificate that a fresh connection is shown, as PEM. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('listenReloading', () => {
  test('shows the certificate that was put in the place of the first, on the same port', async () => {
    const tls = files('renewed');
    const listener = await start(tls.load);
    expect(await shown(listener.port)).toBe(first.identity.cert);

    tls.use(second);
    await listener.reload();

    expect(await shown(listener.port)).toBe(second.identity.cert);
  });

  test('looks at the files by itself', async () => {
    const tls = files('watched');
    const seen = Promise.withResolvers<void>();
    const listener = await start(tls.load, {
      everyMs: 5,
      log: { ...SILENT_LOG, info: (_, message) => (message === 'new certificate in use' ? seen.resolve() : undefined) },
    });
    tls.use(second);
    await seen.promise;

    expect(await shown(listener.port)).toBe(second.identity.cert);
  });

  test('a request under way is answered while the certificate changes', async () => {
    const tls = files('under-way');
    const [entered, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const listener = await start(tls.load, {
      fetch: async () => {
        entered.resolve();
        await release.promise;
        return new Response('not lost');
      },
    });
    const running = fetch(listener.url, { tls: { rejectUnauthorized: false } });
    await entered.promise;

    tls.use(second);
    await listener.reload();
    release.resolve();

    expect(await (await running).text()).toBe('not lost');
  });

  test('S8 broken files are logged, and the old certificate is served on', async () => {
    const tls = files('broken');
    const errors: unknown[] = [];
    const listener = await start(tls.load, {
      log: { ...SILENT_LOG, error: ({ error }: { error?: unknown }) => void errors.push(error) },
    });

    writeFileSync(tls.cert, 'half a certif');
    await listener.reload();
    copyFileSync(second.certFile, tls.cert); // the key is still that of the first
    await listener.reload();

    expect(errors).toEqual([expect.any(TlsError), expect.any(TlsError)]);
    expect(await shown(listener.port)).toBe(first.identity.cert);

    tls.use(second);
    await listener.reload();
    expect(await shown(listener.port)).toBe(second.identity.cert);
  });

  test('S8 nothing starts with files that cannot be used', async () => {
    await expect(start(() => loadTlsIdentity(join(scratch, 'none'), first.keyFile, now))).rejects.toThrow(TlsError);
  });

  test('a port that another listener has is not shared with it', async () => {
    const taken = listen({ fetch: async () => new Response(), tls: 'plain', hostname: '127.0.0.1', port: 0 });
    open.push(taken);
    const { port } = await start(files('sharing').load);

    await expect(start(files('taken').load, { port: taken.port })).rejects.toThrow(ListenError);
    await expect(start(files('shared').load, { port })).rejects.toThrow(ListenError);
  });

  test('after stop nothing listens, whatever was replaced before', async () => {
    const tls = files('stopped');
    const listener = await start(tls.load);
    tls.use(second);
    await listener.reload();
    await listener.stop();
    tls.use(first);
    await listener.reload();

    await expect(shown(listener.port)).rejects.toThrow();
  });
});
