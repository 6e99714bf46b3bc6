// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { TestClient } from '../../test/support/client.ts';
import { rejected } from '../../test/support/refusals.ts';
import { GUN, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { parseGun } from '../tuf/index.ts';
import { HttpFetcher, metadataUrl } from './fetcher.ts';

type Handler = (request: Request) => Response | Promise<Response>;

const servers: { stop(closeActive: boolean): unknown }[] = [];
afterAll(() => {
  for (const server of servers) server.stop(true);
});

/** A server on 127.0.0.1 with one answer to everything, and a fetcher that asks it. */
function serving(handler: Handler, timeoutMilliseconds = 5000) {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: handler });
  servers.push(server);
  return new HttpFetcher({ server: `http://127.0.0.1:${server.port}`, timeoutMilliseconds });
}

/** A body that gives `chunk` again and again, and counts what was taken. */
function endless(chunk: Uint8Array): {
  body: ReadableStream<Uint8Array>;
  sent: () => number;
  cancelled: Promise<void>;
} {
  let sent = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      sent += chunk.length;
      controller.enqueue(chunk);
      await Bun.sleep(0);
    },
    cancel: () => resolve(),
  });
  return { body, sent: () => sent, cancelled: promise };
}

const name = 'timestamp.json';

describe('HttpFetcher', () => {
  test('gets a file by its path below the GUN', async () => {
    const seen: string[] = [];
    const fetcher = serving((request) => {
      seen.push(new URL(request.url).pathname);
      return new Response('body');
    });

    expect(new TextDecoder().decode(await fetcher.fetch(GUN, 'targets/a.json', 4))).toBe('body');
    await fetcher.fetch(parseGun('localhost:5000/a b%2f'), name, 4);
    expect(seen).toEqual([
      '/v2/registry.example.com/acme/app/_trust/tuf/targets/a.json',
      '/v2/localhost:5000/a%20b%252f/_trust/tuf/timestamp.json',
    ]);
    expect(metadataUrl('https://h/sub//', GUN)).toBe(`https://h/sub/v2/${GUN}/_trust/tuf/`);
  });

  test('S36 tells a missing file from every failure', async () => {
    expect(await serving(() => new Response('', { status: 404 })).fetch(GUN, name, 4)).toBeUndefined();
    for (const [status, code] of [
      [500, 'unavailable'],
      [503, 'unavailable'],
      [429, 'unavailable'],
      [401, 'unauthorized'],
      [403, 'unauthorized'],
      [204, 'rejected'],
      [206, 'rejected'],
      [400, 'rejected'],
    ] as const)
      await rejected(serving(() => new Response(null, { status })).fetch(GUN, name, 4), {
        name: 'DownloadError',
        code,
      });
  });

  test('S34 follows no redirect', async () => {
    const asked: string[] = [];
    const fetcher = serving((request) => {
      asked.push(request.url);
      return new Response(null, { status: 302, headers: { location: '/elsewhere' } });
    });

    await rejected(fetcher.fetch(GUN, name, 4), { name: 'DownloadError', code: 'unreachable' });
    expect(asked).toHaveLength(1);
  });

  test('a server that is not there is unreachable', async () => {
    const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('') });
    const { port } = server;
    await server.stop(true);

    const error = await rejected(new HttpFetcher({ server: `http://127.0.0.1:${port}` }).fetch(GUN, name, 4), {
      code: 'unreachable',
    });
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test('an answer that is cut off is a failure', async () => {
    const listener = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        data(socket) {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part');
          socket.end();
        },
      },
    });
    servers.push(listener);
    const fetcher = new HttpFetcher({ server: `http://127.0.0.1:${listener.port}`, timeoutMilliseconds: 5000 });

    await rejected(fetcher.fetch(GUN, name, 1000), { name: 'DownloadError', code: 'unreachable' });
  });
});

describe('S23 a body is cut off at its limit', () => {
  test('a file of exactly the limit is taken, of one byte more is not', async () => {
    const fetcher = serving(() => new Response('12345'));

    expect(await fetcher.fetch(GUN, name, 5)).toHaveLength(5);
    await rejected(fetcher.fetch(GUN, name, 4), { name: 'DownloadError', code: 'too-large' });
  });

  test('a body that is announced too long is not waited for', async () => {
    const listener = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n') },
    });
    servers.push(listener);
    const fetcher = new HttpFetcher({ server: `http://127.0.0.1:${listener.port}`, timeoutMilliseconds: 5000 });

    await rejected(fetcher.fetch(GUN, name, 1000), { name: 'DownloadError', code: 'too-large' });
  });

  test('endless data is cut off, and the connection given up', async () => {
    const stream = endless(new Uint8Array(16 * 1024));
    const fetcher = serving(() => new Response(stream.body));
    await rejected(fetcher.fetch(GUN, name, 64 * 1024), { name: 'DownloadError', code: 'too-large' });
    await stream.cancelled;

    expect(stream.sent()).toBeLessThan(32 * 1024 * 1024);
  });

  test('data that unpacks to more than the limit is cut off', async () => {
    const bomb = gzipSync(new Uint8Array(32 * 1024 * 1024));
    const fetcher = serving(() => new Response(bomb, { headers: { 'content-encoding': 'gzip' } }));

    expect(bomb.length).toBeLessThan(64 * 1024);
    await rejected(fetcher.fetch(GUN, name, 64 * 1024), { name: 'DownloadError', code: 'too-large' });
  });

  test('an endless timestamp, root, and targets longer than announced end a refresh', async () => {
    const repository = (await RepositorySimulator.create()).tag('v1').publish();
    const targets = [...repository.served]
      .filter(([, file]) => file === repository.files.get('targets' as never))
      .map(([key]) => key);
    for (const broken of [['root.json'], ['timestamp.json'], targets]) {
      const fetcher = serving((request) => {
        const file = new URL(request.url).pathname.split('/_trust/tuf/')[1] ?? '';
        if (broken.includes(file)) return new Response(endless(new Uint8Array(64 * 1024).fill(0x20)).body);
        const bytes = repository.served.get(file);
        return bytes === undefined ? new Response('', { status: 404 }) : new Response(bytes.slice());
      });
      const client = new TestClient(fetcher);

      await rejected(client.refresh(), { name: 'DownloadError', code: 'too-large' });
      expect(client.trusted('root', 'timestamp', 'targets')).toEqual([undefined, undefined, undefined]);
    }
  });
});

describe('S32 a server that hangs', () => {
  const never = new Promise<Response>(() => {});

  test('before it answers: a timeout', async () => {
    const error = await rejected(serving(() => never, 50).fetch(GUN, name, 10), {
      name: 'DownloadError',
      code: 'timeout',
    });

    expect(error.message).toContain('within 0.05 s');
  });

  test('in the middle of its answer: a timeout', async () => {
    const fetcher = serving(
      () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(3)) })),
      50,
    );

    await rejected(fetcher.fetch(GUN, name, 10), { name: 'DownloadError', code: 'timeout' });
  });

  test('byte by byte: a timeout for the whole answer', async () => {
    const drip = endless(new Uint8Array(1));
    const fetcher = serving(() => new Response(drip.body), 100);

    await rejected(fetcher.fetch(GUN, name, 2 ** 30), { name: 'DownloadError', code: 'timeout' });
  });

  test('ends a refresh with that error, and nothing is kept', async () => {
    const client = new TestClient(serving(() => never, 50));

    await rejected(client.refresh(), { name: 'DownloadError', code: 'timeout' });
    expect(client.trusted('root')).toEqual([undefined]);
  });
});
