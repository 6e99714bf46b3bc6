// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readVectorJson } from '../../test/support/vectors.ts';
import { ListenError, type ListenOptions, listen } from './listener.ts';
import { ensureOwnTls } from './own-authority.ts';

const directory = mkdtempSync(join(tmpdir(), 'hallmark-listen-'));
const own = await ensureOwnTls(directory, [], new Date());
const ca = readFileSync(own.caFile, 'utf8');
const open: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(open.map((listener) => listener.stop()));
  rmSync(directory, { recursive: true, force: true });
});

function start(options: Partial<ListenOptions> = {}) {
  const fetch = async (request: Request) => new Response(await request.text());
  const listener = listen({ fetch, tls: own.identity, hostname: '127.0.0.1', port: 0, ...options });
  open.push(listener);
  return listener;
}

describe('listen', () => {
  test('serves TLS with the given identity', async () => {
    const { url } = start();
    const response = await fetch(url, { method: 'POST', body: 'hello', tls: { ca } });

    expect(url).toStartWith('https://127.0.0.1:');
    expect(await response.text()).toBe('hello');
    await expect(fetch(url)).rejects.toThrow();
  });

  test('S8 a TLS port answers no plain HTTP', async () => {
    const { port } = start();
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      socket.on('data', (bytes) => {
        text += bytes;
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });

    expect(answer).not.toContain('HTTP/1.1 200');
  });

  test('S8 an identity that is none does not fall back to plain HTTP', () => {
    expect(() => start({ tls: { cert: 'none', key: 'none' } })).toThrow(ListenError);
  });

  test('plain HTTP is served where it is asked for', async () => {
    const { url } = start({ tls: 'plain' });
    expect(url).toStartWith('http://');
    expect((await fetch(url)).status).toBe(200);
  });

  test('S23 a body over the limit does not reach the service', async () => {
    const { url } = start({ tls: 'plain', limits: { bodyBytes: 1000 } });
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(1001) })).status).toBe(413);
  });

  test('S23 a body that drips is cut off, however steadily it comes', async () => {
    const { port } = start({ tls: 'plain', limits: { bodySeconds: 1, idleSeconds: 200 } });
    const cutOff = Promise.withResolvers<void>();
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
    });
    const drip = setInterval(() => socket.write('x'), 50);
    socket.on('error', () => {});
    socket.on('close', () => cutOff.resolve());
    await cutOff.promise;
    clearInterval(drip);
    expect(socket.destroyed).toBe(true);
  });

  test('S4 where clients need a certificate, none and that of another authority get no answer', async () => {
    const mutual: Readonly<Record<string, { cert: string; key: string }>> =
      readVectorJson('certificates/mutual-tls.json');
    const { url } = start({ tls: { ...own.identity, clientCa: mutual.ca?.cert ?? '' } });
    const ask = (client: object = {}) => fetch(url, { tls: { ca, ...client } });

    await expect(ask()).rejects.toThrow();
    await expect(ask(mutual.stranger)).rejects.toThrow();
    expect((await ask(mutual.client)).status).toBe(200);
  });

  test('an error that reaches the listener shows nothing of itself', async () => {
    const { url } = start({
      tls: 'plain',
      fetch: async () => {
        throw new Error('secret');
      },
    });
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([500, '']);
  });

  test('an address that is taken is a typed error', () => {
    const { port } = start();
    expect(() => start({ port })).toThrow(ListenError);
    expect(() => start({ port })).toThrow(/^cannot listen on .*: EADDRINUSE$/);
  });

  test('stopping lets a request under way end, and accepts no other', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const listener = start({
      tls: 'plain',
      fetch: async () => {
        entered.resolve();
        await release.promise;
        return new Response('done');
      },
    });
    const running = fetch(listener.url);
    await entered.promise;

    const stopped = listener.stop();
    await expect(fetch(listener.url)).rejects.toThrow();
    release.resolve();

    expect(await (await running).text()).toBe('done');
    await stopped;
  });

  test('stopping cuts off what does not end in time', async () => {
    const entered = Promise.withResolvers<void>();
    const listener = start({
      tls: 'plain',
      limits: { drainMs: 1 },
      fetch: () => {
        entered.resolve();
        return new Promise<Response>(() => {});
      },
    });
    const running = fetch(listener.url).catch((error: unknown) => error);
    await entered.promise;

    await listener.stop();

    expect(await running).toBeInstanceOf(Error);
  });
});
