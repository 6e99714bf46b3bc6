// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { multipart, TrustStage } from '../../test/support/trust-stage.ts';
import { noteOrigin } from '../service/index.ts';
import type { Authenticator } from './auth/index.ts';
import { openToAll } from './auth/index.ts';
import { limitedCallers, type RequestBudgets } from './request-limits.ts';

const TUF = 'https://x/v2/example.com/app/_trust/tuf/';
const ONE = { perSecond: 1, burst: 1 };

const byHeader: Authenticator = {
  authenticate: async (request) => ({ name: request.headers.get('x-user') ?? 'anonymous' }),
};

function stage(budgets: RequestBudgets, auth: Authenticator = openToAll) {
  let now = 0;
  const { server } = new TrustStage({ auth: limitedCallers(auth, budgets, () => now) });
  const send = async (method: string, file: string, address = '192.0.2.1', user?: string) => {
    const init = method === 'POST' && file === '' ? multipart([]) : {};
    const request = new Request(TUF + file, { method, ...init });
    if (user !== undefined) request.headers.set('x-user', user);
    noteOrigin(request, () => ({ address }));
    return server.fetch(request);
  };
  const wait = (ms: number) => {
    now += ms;
  };
  return { send, wait };
}

describe('W what costs is limited for each client', () => {
  test('S23 every spelling of a path to a key draws on the budget of keys', async () => {
    const { send } = stage({ keys: { perSecond: 0.1, burst: 1 } });
    expect((await send('GET', 'timestamp.ke%79')).status).toBe(200);
    for (const spelling of [
      'timestamp.key',
      'timestamp%2Ekey',
      'snapshot.%6Bey?x',
      '%73napshot.key#x',
      'timestamp.key?%',
    ]) {
      expect([spelling, (await send('GET', spelling)).status]).toEqual([spelling, 429]);
    }
  });

  test("keys are made so often and no more, in words that Notary's clients read", async () => {
    const { send, wait } = stage({ keys: { perSecond: 0.1, burst: 2 } });
    expect([(await send('GET', 'timestamp.key')).status, (await send('POST', 'snapshot.key?x')).status]).toEqual([
      200, 200,
    ]);

    const refused = await send('GET', 'timestamp.key');

    expect([refused.status, refused.headers.get('Retry-After'), await refused.text()]).toEqual([
      429,
      '10',
      '{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests"}]}\n',
    ]);
    wait(10_000);
    expect((await send('GET', 'timestamp.key')).status).toBe(200);
  });

  test('one budget is not another: whoever may make no more keys still reads and publishes', async () => {
    const { send } = stage({ keys: ONE, writes: ONE });
    for (const [method, file] of [
      ['GET', 'timestamp.key'],
      ['GET', 'timestamp.key'],
      ['DELETE', ''],
    ] as const) {
      await send(method, file);
    }

    expect((await send('GET', 'timestamp.key')).status).toBe(429);
    expect((await send('POST', '')).status).toBe(429);
    for (let read = 0; read < 20; read++) expect((await send('GET', 'root.json')).status).toBe(404);
  });

  test('an address has a budget, and a network of IPv6 addresses has one together', async () => {
    const { send } = stage({ reads: ONE });

    expect((await send('GET', 'root.json', '192.0.2.1')).status).toBe(404);
    expect((await send('GET', 'root.json', '192.0.2.2')).status).toBe(404);
    expect((await send('GET', 'root.json', '192.0.2.1')).status).toBe(429);
    expect((await send('GET', 'root.json', '2001:db8::1')).status).toBe(404);
    expect((await send('GET', 'root.json', '2001:db8::2')).status).toBe(429);
    expect((await send('GET', 'root.json', '2001:db8:0:1::2')).status).toBe(404);
  });

  test('a user has a budget wherever they come from, apart from that of the address', async () => {
    const { send } = stage({ reads: ONE }, byHeader);

    expect((await send('GET', 'root.json', '192.0.2.1', 'ann')).status).toBe(404);
    expect((await send('GET', 'root.json', '192.0.2.2', 'ann')).status).toBe(429);
    expect((await send('GET', 'root.json', '192.0.2.1', 'bob')).status).toBe(404);
    expect((await send('GET', 'root.json', '192.0.2.1')).status).toBe(404);
    expect((await send('GET', 'root.json', '192.0.2.1', 'address 192.0.2.1')).status).toBe(404);
  });
});
