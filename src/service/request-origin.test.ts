// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { listen } from './listener.ts';
import type { RequestOrigin } from './request-context.ts';
import { noteOrigin, originOf } from './request-origin.ts';

test('a request over a socket is known by its peer, whatever its headers say, also after it was answered', async () => {
  const seen: Request[] = [];
  const origins: RequestOrigin[] = [];
  const fetchHere = async (request: Request) => {
    seen.push(request);
    origins.push(originOf(request));
    return new Response('');
  };
  const listener = listen({ fetch: fetchHere, tls: 'plain', hostname: '127.0.0.1', port: 0 });
  await (await fetch(listener.url, { headers: { 'X-Forwarded-For': '203.0.113.9' } })).text();
  await listener.stop();

  expect(origins).toEqual([{ address: '127.0.0.1' }]);
  expect(originOf(seen[0] as Request).requestId).toBeUndefined();
});

test('what is noted later adds to what was noted first', () => {
  const request = new Request('https://trust.example.com/');
  expect(originOf(request)).toEqual({});
  noteOrigin(request, () => ({ address: '192.0.2.1' }));
  noteOrigin(request, () => ({ requestId: 'one' }));
  expect(originOf(request)).toEqual({ address: '192.0.2.1', requestId: 'one' });
});
