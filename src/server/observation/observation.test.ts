// SPDX-License-Identifier: Apache-2.0

import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { basic, closeDoors, Door } from '../../../test/support/htpasswd-door.ts';
import { RepositoryBuilder } from '../../../test/support/repository-builder.ts';
import { multipart, TrustStage } from '../../../test/support/trust-stage.ts';
import { type Fetch, noteOrigin, openLog, SILENT_LOG, withRequestLog } from '../../service/index.ts';
import { Metrics } from '../../service/metrics/index.ts';
import { MemoryServiceKeys } from '../../signing/service-keys/index.ts';
import { parseGun, TIMESTAMP } from '../../tuf/index.ts';
import { type Authenticator, openToAll } from '../auth/index.ts';
import { CachedStorage, createTrustServer, MemoryStorage } from '../index.ts';
import type { AuditEntry } from '../storage/index.ts';
import {
  auditedKeys,
  observedKeys,
  observedServer,
  observedStorage,
  PLAIN_READS,
  RefusalLog,
  TrustMetrics,
  trustRoute,
} from './index.ts';
import { TRUST_ROUTES } from './trust-route.ts';

afterAll(closeDoors);

const GUN = 'example.com/app';
const TUF = `https://x/v2/${GUN}/_trust/tuf/`;
const NOW = new Date('2026-11-23T12:00:00Z');

/** A whole server with everything that observes it. */
function stage(auth: Authenticator = openToAll) {
  const metrics = new Metrics({ process: false });
  const measured = new TrustMetrics(metrics);
  const entries: AuditEntry[] = [];
  const record = async (entry: AuditEntry) => void entries.push(entry);
  let elapsed = 0;
  const refusals = new RefusalLog({ record, clock: () => NOW, log: SILENT_LOG, elapsed: () => elapsed });
  const storage = new CachedStorage(observedStorage(new MemoryStorage(), measured));
  measured.watchCache(() => storage.statistics());
  const keys = observedKeys(
    auditedKeys(new MemoryServiceKeys(), record, () => NOW),
    measured,
  );
  const server = createTrustServer({ storage, keys, auth, clock: () => NOW, log: SILENT_LOG });
  const observed = observedServer(server.fetch, { metrics: measured, refusals });
  const logged = withRequestLog(observed, SILENT_LOG, {
    routeOf: trustRoute,
    plainReads: PLAIN_READS,
    meter: measured.requests,
  });
  const fetch: Fetch = (request) => {
    noteOrigin(request, () => ({ address: '192.0.2.1' }));
    return logged(request);
  };
  const send = (method: string, url: string, init: RequestInit = {}) => fetch(new Request(url, { method, ...init }));
  const sample = async (name: string, labels: string) => {
    const line = (await metrics.text()).split('\n').find((one) => one.startsWith(`${name}{${labels}} `));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  const wait = (ms: number) => {
    elapsed += ms;
  };
  return { send, sample, entries, keys, metrics, refusals, wait };
}

type Stage = ReturnType<typeof stage>;

async function publish({ send, keys }: Stage) {
  const timestampKey = await keys.create(parseGun(GUN), TIMESTAMP, 'ecdsa');
  const publisher = await RepositoryBuilder.create({ gun: GUN, now: NOW, timestampKey });
  const first = await send('POST', TUF, multipart(publisher.addTarget('latest').all()));
  expect(first.status).toBe(200);
  return publisher;
}

describe('metrics of a trust server', () => {
  test('count publishes by what became of them, refusals by code, and requests by route, method and status', async () => {
    const made = stage();
    const { send, sample } = made;
    const publisher = await publish(made);
    await send('POST', TUF, multipart(publisher.all()));
    await send('GET', `${TUF}timestamp.json`);
    await send('GET', `${TUF}none.json`);

    expect(await sample('hallmark_publishes_total', 'outcome="OK"')).toBe(1);
    expect(await sample('hallmark_publishes_total', 'outcome="VERSION"')).toBe(1);
    expect(await sample('hallmark_refusals_total', 'code="VERSION"')).toBe(1);
    expect(await sample('hallmark_refusals_total', 'code="METADATA_NOT_FOUND"')).toBe(1);
    const requests = 'hallmark_http_request_duration_seconds_count';
    expect(await sample(requests, 'route="GetRole",method="GET",status="2xx"')).toBe(1);
    expect(await sample(requests, 'route="GetRole",method="GET",status="4xx"')).toBe(1);
    expect(await sample(requests, 'route="UpdateTUF",method="POST",status="4xx"')).toBe(1);
    expect(await sample('notary_server_http_request_duration_microseconds_count', 'operation="UpdateTUF"')).toBe(2);
  });

  test('time the calls of storage and signer, by what came of them', async () => {
    const made = stage();
    await publish(made);
    const { sample } = made;

    const storage = 'hallmark_storage_call_duration_seconds_count';
    const signer = 'hallmark_signer_call_duration_seconds_count';
    expect(await sample(storage, 'call="commit",result="ok"')).toBe(1);
    expect(await sample(storage, 'call="newest",result="ok"')).toBeGreaterThan(0);
    expect(await sample(signer, 'call="sign",result="ok"')).toBe(1);
    expect(await sample(signer, 'call="create",result="ok"')).toBe(1);
  });

  test('a warm read asks the cache and not storage', async () => {
    const made = stage();
    const { send, sample } = made;
    await publish(made);
    await send('GET', `${TUF}timestamp.json`);
    const calls = await sample('hallmark_storage_call_duration_seconds_count', 'call="newest",result="ok"');
    const hits = await sample('hallmark_cache_reads_total', 'result="hit"');
    await send('GET', `${TUF}timestamp.json`);

    expect(await sample('hallmark_storage_call_duration_seconds_count', 'call="newest",result="ok"')).toBe(
      calls as number,
    );
    expect(await sample('hallmark_cache_reads_total', 'result="hit"')).toBeGreaterThan(hits as number);
    expect(await made.metrics.text()).toMatch(/^hallmark_cache_bytes [1-9]/m);
  });

  test('S23 whatever clients ask for, no time series is added', async () => {
    const { send, metrics } = stage();
    await fc.assert(
      fc.asyncProperty(
        fc.webPath(),
        fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'BREW'),
        async (path, method) => {
          await send(method, `https://x/v2/${path.replaceAll('/', '')}/_trust/tuf/${path}`);
          await send(method, `https://x${path}`);
        },
      ),
      { numRuns: 100 },
    );
    const text = await metrics.text();
    const labels = new Set([...text.matchAll(/(?:route|operation)="([^"]*)"/g)].map(([, value]) => value));
    const methods = new Set([...text.matchAll(/method="([^"]*)"/g)].map(([, value]) => value));

    expect([...labels].filter((value) => !(TRUST_ROUTES as readonly unknown[]).includes(value))).toEqual([]);
    expect(methods.has('BREW')).toBe(false);
    expect(text).not.toMatch(/gun|_trust/);
  });

  test('nothing is left in flight', async () => {
    const { send, metrics } = stage();
    await Promise.all([send('GET', TUF), send('GET', `${TUF}root.json`), send('PATCH', TUF)]);

    expect(await metrics.text()).toMatch(/^hallmark_http_requests_in_flight 0$/m);
  });
});

describe('what is recorded of requests', () => {
  test('a refused publish, with its code and reason and who sent it', async () => {
    const made = stage();
    const publisher = await publish(made);
    await made.send('POST', TUF, multipart(publisher.all()));
    await made.send('POST', TUF, multipart([['targets.json', new TextEncoder().encode('{}')]]));
    await made.refusals.settled();

    const [, version, malformed] = made.entries;
    expect(version).toMatchObject({
      at: NOW,
      action: 'refused',
      gun: GUN,
      actor: { name: 'anonymous', address: '192.0.2.1', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      detail: { route: 'UpdateTUF', code: 'VERSION' },
    });
    expect(malformed).toMatchObject({ detail: { code: 'INVALID_UPDATE', kind: 'ErrBadTargets' } });
  });

  test('a failed login, with the name that was tried: nobody’s who is known, least of all the server’s', async () => {
    const { auth } = await new Door().open();
    const { send, entries, refusals } = stage(auth);
    const wrong = (user: string) => ({ headers: { authorization: basic(user, 'not the password') } });
    await send('GET', 'https://x/auth/token?service=hallmark', wrong('ann'));
    await send('GET', `${TUF}root.json`, wrong(`mallory\u001b[2J${'x'.repeat(1000)}`));
    await send('DELETE', TUF, wrong('server'));
    await send('DELETE', TUF, { headers: { authorization: 'Bearer x' } });
    await refusals.settled();

    expect(entries.map(({ actor }) => [actor.name, actor.address])).toEqual(Array(4).fill(['anonymous', '192.0.2.1']));
    expect(entries.map(({ detail }) => detail.user)).toEqual([
      'ann',
      `mallory?[2J${'x'.repeat(189)}`,
      'user:server',
      undefined,
    ]);
    expect(JSON.stringify(entries)).not.toContain('not the password');
  });

  test('reads that find nothing, and changes that succeed, are no refusals', async () => {
    const made = stage();
    await publish(made);
    await made.send('GET', `${TUF}none.json`);
    await made.send('DELETE', TUF);

    expect(made.entries.map(({ action }) => action)).toEqual(['key-create']);
  });

  test('S23 one client fills no table: what is not recorded is counted', async () => {
    const { send, entries, refusals, wait } = stage();
    for (let attempt = 0; attempt < 50; attempt++) await send('POST', TUF, multipart([['', new Uint8Array()]]));
    await refusals.settled();
    expect(entries).toHaveLength(20);
    wait(15_000);
    await send('POST', TUF, multipart([['', new Uint8Array()]]));
    await refusals.settled();

    expect(entries.at(-1)?.detail).toMatchObject({ suppressed: 30 });
  });

  test('a key once, however often it is asked for, and expressly by whom', async () => {
    const { send, entries } = stage();
    for (let attempt = 0; attempt < 3; attempt++) await send('GET', `${TUF}timestamp.key`);
    await send('POST', `${TUF}snapshot.key`);

    expect(entries).toMatchObject([
      { action: 'key-create', gun: GUN, actor: { address: '192.0.2.1' }, detail: { role: 'timestamp' } },
      { action: 'key-rotate', gun: GUN, detail: { role: 'snapshot', key: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    ]);
  });

  test('a key that cannot be recorded is not given out', async () => {
    const keys = auditedKeys(
      new MemoryServiceKeys(),
      async () => {
        throw new Error('disk full');
      },
      () => NOW,
    );
    const server = new TrustStage({ keys }).server;

    expect((await server.fetch(new Request(`${TUF}timestamp.key`))).status).toBe(500);
  });

  test("the user, once there is one: in the entry and in the request's line", async () => {
    const entries: AuditEntry[] = [];
    const record = async (entry: AuditEntry) => void entries.push(entry);
    const lines: string[] = [];
    const log = openLog('info', { write: (line) => void lines.push(line) });
    const auth = { authenticate: async () => ({ name: 'ann' }) };
    const keys = auditedKeys(new MemoryServiceKeys(), record, () => NOW);
    const { server } = new TrustStage({ keys, auth });
    await withRequestLog(server.fetch, log, { routeOf: trustRoute })(
      new Request(`${TUF}timestamp.key`, { method: 'POST' }),
    );

    expect(entries).toMatchObject([{ actor: { name: 'ann' } }]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { user: 'ann', requestId: entries[0]?.actor.requestId, path: expect.any(String), status: 200 },
    ]);
  });
});

describe('trustRoute', () => {
  test.each([
    ['GET', 'v2/a/b/_trust/tuf/root.json', 'GetRole'],
    ['GET', 'v2/a/b/_trust/tuf/targets/releases.json?x=/_trust/tuf/', 'GetRole'],
    ['GET', 'v2/a/b/_trust/tuf/3.root.json', 'GetRoleByVersion'],
    ['GET', `v2/a/b/_trust/tuf/targets/a.${'0'.repeat(64)}.json`, 'GetRoleByHash'],
    ['POST', 'v2/a/b/_trust/tuf/', 'UpdateTUF'],
    ['DELETE', 'v2/a/b/_trust/tuf/', 'DeleteTUF'],
    ['GET', 'v2/a/b/_trust/tuf/', 'other'],
    ['GET', 'v2/a/_trust/tuf/timestamp.key', 'GetKey'],
    ['POST', 'v2/a/_trust/tuf/timestamp.key', 'RotateKey'],
    ['POST', 'v2/a/_trust/tuf/timestamp.ke%79', 'RotateKey'],
    ['GET', 'v2/a/_trust%2Ftuf/timestamp.key#x', 'GetKey'],
    ['GET', 'v2/_trust/changefeed?records=1', 'Changefeed'],
    ['GET', 'v2/', 'Ping'],
    ['GET', '_notary_server/health', 'Health'],
    ['PUT', 'v2/a/_trust/tuf/root.json', 'other'],
    ['GET', '', 'other'],
  ] as const)('%s /%s is %s', (method, path, route) => {
    expect(trustRoute(new Request(`https://x/${path}`, { method }))).toBe(route);
  });
});
