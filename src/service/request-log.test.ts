// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import {
  currentRequest,
  identifyRequest,
  type Log,
  listen,
  openLog,
  originOf,
  outsideOfRequests,
  SILENT_LOG,
  TrustedProxies,
  withRequestLog,
} from './index.ts';
import { REQUEST_ID_HEADER } from './request-log.ts';

const PROXIES = new TrustedProxies({ addresses: ['127.0.0.0/8'], requestIdHeader: 'X-Request-Id' });

function lines(level: 'debug' | 'info' = 'info') {
  const written: string[] = [];
  return {
    log: openLog(level, { write: (line) => void written.push(line) }),
    read: () => written.map((line) => JSON.parse(line)),
  };
}

const post = (headers: Record<string, string> = {}) => new Request('https://x/a', { method: 'POST', headers });

/** One request to a real socket, so that the address is real too. */
async function overSocket(log: Log, headers: Record<string, string>, work: (request: Request) => Promise<Response>) {
  const fetched = withRequestLog(work, log, { proxies: PROXIES });
  const listener = listen({ fetch: fetched, tls: 'plain', hostname: '127.0.0.1', port: 0 });
  try {
    return await fetch(`${listener.url}/a`, { method: 'POST', headers });
  } finally {
    await listener.stop();
  }
}

describe('the ID of a request', () => {
  test('is in every line that is written below it, in its origin, and in the answer', async () => {
    const { log, read } = lines();
    const fetch = withRequestLog(async (request) => {
      await Promise.resolve();
      log.info({}, 'below');
      return new Response(originOf(request).requestId);
    }, log);

    const [one, two] = await Promise.all([fetch(post()), fetch(post())]);

    const [first, second] = [await one?.text(), await two?.text()];
    expect(first).not.toBe(second);
    expect([one, two].map((response) => response?.headers.get(REQUEST_ID_HEADER))).toEqual([first, second] as never);
    for (const id of [first, second]) {
      expect(
        read()
          .filter(({ requestId }) => requestId === id)
          .map(({ msg }) => msg),
      ).toEqual(['below', 'request']);
    }
  });

  test('is told of a failed read, and of one that somebody asked about; a plain read leaves no trace', async () => {
    const read = (work: () => Promise<Response>) => withRequestLog(work, SILENT_LOG)(new Request('https://x/a'));
    const failed = await read(async () => new Response(null, { status: 503 }));
    const asked = await read(async () => new Response(currentRequest()?.id));
    const plain = await read(async () => new Response());

    expect(failed.headers.has(REQUEST_ID_HEADER)).toBe(true);
    expect(asked.headers.get(REQUEST_ID_HEADER)).toBe(await asked.text());
    expect(plain.headers.has(REQUEST_ID_HEADER)).toBe(false);
  });

  test('costs a plain read nothing, unless it is logged, traced or comes through a proxy', async () => {
    const knows = (log: Log, proxies?: TrustedProxies) =>
      withRequestLog(async () => new Response(String(currentRequest() !== undefined)), log, {
        routeOf: () => 'GetRole',
        plainReads: new Set(['GetRole']),
        ...(proxies === undefined ? {} : { proxies }),
      })(new Request('https://x/a')).then((response) => response.text());

    expect(await knows(SILENT_LOG)).toBe('false');
    expect(await knows(lines('debug').log)).toBe('true');
    expect(await knows(SILENT_LOG, PROXIES)).toBe('true');
  });

  test('is made by the service, whatever a client says', async () => {
    const response = await withRequestLog(async () => new Response(), SILENT_LOG)(post({ 'X-Request-Id': 'mine' }));

    expect(response.headers.get(REQUEST_ID_HEADER)).toMatch(/^[0-9a-f]{8}-/);
  });

  test('is that of a trusted proxy, and so is the address', async () => {
    const { log, read } = lines();
    const response = await overSocket(
      log,
      { 'X-Request-Id': 'from-proxy', 'X-Forwarded-For': '203.0.113.1, 192.0.2.7' },
      async (request) => Response.json(originOf(request)),
    );

    expect(response.headers.get(REQUEST_ID_HEADER)).toBe('from-proxy');
    expect(await response.json()).toEqual({ requestId: 'from-proxy', address: '192.0.2.7' });
    expect(read()).toMatchObject([{ requestId: 'from-proxy', address: '192.0.2.7', msg: 'request' }]);
  });

  test('is put on an answer that came from elsewhere, whose headers cannot be changed', async () => {
    const answer = async () => {
      const response = new Response('x', { status: 502 });
      const immutable = () => {
        throw new TypeError('immutable');
      };
      return Object.defineProperty(response, 'headers', { value: Object.assign(new Headers(), { set: immutable }) });
    };
    const response = await withRequestLog(answer, SILENT_LOG)(post());

    expect([response.status, await response.text()]).toEqual([502, 'x']);
    expect(response.headers.has(REQUEST_ID_HEADER)).toBe(true);
  });
});

describe('a request', () => {
  test('whose handler breaks is written as 500', async () => {
    const { log, read } = lines();
    const broken = withRequestLog(async () => Promise.reject(new Error('broken')), log)(post());

    await expect(broken).rejects.toThrow('broken');
    expect(read()).toMatchObject([{ level: 'error', status: 500 }]);
  });

  test('is written with its user, once that is known', async () => {
    const { log, read } = lines();
    const fetch = withRequestLog(async () => {
      identifyRequest('ann');
      return new Response();
    }, log);
    await fetch(post());
    identifyRequest('nobody asks');

    expect(read()).toMatchObject([{ user: 'ann' }]);
  });

  test('is written with its path and without its query, also where HTTP/1.0 named no host', async () => {
    const { log, read } = lines();
    const fetch = withRequestLog(async () => new Response(), log);
    for (const url of ['https://x/v2/app/list?q=/x', '/v2/app/list?q=/x', '/a'])
      await fetch(Object.defineProperty(post(), 'url', { value: url }));

    expect(read().map(({ path }) => path)).toEqual(['/v2/app/list', '/v2/app/list', '/a']);
  });

  test('does not own what several wait for', async () => {
    const fetch = withRequestLog(async () => new Response(String(outsideOfRequests(currentRequest))), SILENT_LOG);

    expect(await (await fetch(post())).text()).toBe('undefined');
  });
});
