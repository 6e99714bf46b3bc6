// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { SILENT_LOG } from '../log.ts';
import { Metrics } from '../metrics/index.ts';
import type { Check } from './health.ts';
import { Health, operationsApp, recently } from './index.ts';

function stage(checks: Readonly<Record<string, Check>>, advisory: Readonly<Record<string, Check>> = {}) {
  let now = 0;
  const said: string[] = [];
  const log = {
    ...SILENT_LOG,
    error: (_: object, message: string) => void said.push(message),
    info: (_: object, message: string) => void said.push(message),
  };
  const health = new Health({ checks, advisory, log, timeoutMs: 20, elapsed: () => now });
  const app = operationsApp({ health, metrics: new Metrics({ process: false }) });
  const get = async (path: string, method = 'GET') => app(new Request(`http://127.0.0.1${path}`, { method }));
  const later = () => {
    now += 1000;
  };
  return { health, get, said, later };
}

const broken = () => Promise.reject(new Error('connection refused\nwith details'));

describe('the operations listener', () => {
  test('says that the service lives, whatever is broken', async () => {
    const { get } = stage({ storage: broken });
    const response = await get('/live');

    expect([response.status, await response.json()]).toEqual([200, { status: 'live' }]);
  });

  test('says what is wrong, part by part, and when it is over', async () => {
    let storage: Check = broken;
    const { get, said, later } = stage({ storage: () => storage(), signer: async () => {} });
    const response = await get('/ready');

    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'not ready', checks: { storage: 'connection refused', signer: 'ok' } },
    ]);
    storage = async () => {};
    expect((await get('/ready')).status).toBe(503);
    later();
    expect(await (await get('/ready')).json()).toEqual({ status: 'ready', checks: { storage: 'ok', signer: 'ok' } });
    expect(said).toEqual(['not ready', 'ready again']);
  });

  test('a part that not every request needs is told, and keeps nobody from being served', async () => {
    let signer: Check = broken;
    const { health, get, said, later } = stage({ storage: async () => {} }, { signer: () => signer() });
    const response = await get('/ready');

    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'degraded', checks: { signer: 'connection refused', storage: 'ok' } },
    ]);
    signer = async () => {};
    later();
    expect(await (await get('/ready')).json()).toMatchObject({ status: 'ready' });
    expect(said).toEqual(['degraded', 'ready again']);
    signer = broken;
    later();
    health.drain();
    expect((await get('/ready')).status).toBe(503);
  });

  test('without a part that every request needs it is not ready, whatever else is well', async () => {
    const { get } = stage({ storage: broken }, { signer: broken });

    expect((await get('/ready')).status).toBe(503);
  });

  test('a part that does not answer is not waited for', async () => {
    const { get } = stage({ signer: () => new Promise(() => {}) });

    expect(await (await get('/ready')).json()).toMatchObject({ checks: { signer: 'no answer within 20 ms' } });
  });

  test('a service that is stopping is not ready, and lives', async () => {
    const { health, get } = stage({ storage: async () => {} });
    health.drain();

    expect((await get('/ready')).status).toBe(503);
    expect(await (await get('/ready')).json()).toMatchObject({
      checks: { storage: 'ok', draining: expect.any(String) },
    });
    expect((await get('/live')).status).toBe(200);
  });

  test('S23 however often it is asked, a part is asked once a second', async () => {
    let asked = 0;
    const storage = async () => {
      asked += 1;
    };
    const { get, later } = stage({ storage });
    await Promise.all(Array.from({ length: 20 }, () => get('/ready')));
    expect(asked).toBe(1);
    later();
    await get('/ready');

    expect(asked).toBe(2);
  });

  test('has metrics, and nothing else', async () => {
    const { get } = stage({});

    expect((await get('/metrics')).headers.get('Content-Type')).toStartWith('text/plain; version=0.0.4');
    expect([(await get('/')).status, (await get('/live', 'POST')).status]).toEqual([404, 405]);
  });
});

describe('recently', () => {
  test('an answer, good or bad, stands for a while', async () => {
    let now = 0;
    let asked = 0;
    const check = recently(
      () => {
        asked += 1;
        return asked === 1 ? broken() : Promise.resolve();
      },
      1000,
      () => now,
    );

    await expect(check()).rejects.toThrow();
    await expect(check()).rejects.toThrow();
    now = 1000;
    await check();
    await check();
    expect(asked).toBe(2);
  });
});
