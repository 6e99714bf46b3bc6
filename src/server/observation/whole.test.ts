// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { multipart, TrustStage } from '../../../test/support/trust-stage.ts';
import { AuditWriter, readAuditFile, verifyAuditFile } from '../../service/audit/index.ts';
import { COORDINATION_SCHEMA, type CoordinationTables, SqlCoordination } from '../../service/coordination/index.ts';
import { migrateDatabase, openSqlite } from '../../service/database/index.ts';
import { type Fetch, SILENT_LOG, type Tracing, withRequestLog } from '../../service/index.ts';
import { Metrics } from '../../service/metrics/index.ts';
import { openTracing } from '../../service/tracing/index.ts';
import { Webhooks } from '../../service/webhooks/index.ts';
import { CachedStorage, openMetadataStorage } from '../index.ts';
import { Renewer } from '../renewal/index.ts';
import { observedKeys, observedServer, observedStorage, TrustMetrics, trustRoute } from './index.ts';

const DAY = 86_400_000;
const RENEWAL = { leads: { timestamp: 4 * DAY, snapshot: 30 * DAY }, perSecond: 20, wait: async () => {} };
const SIGNAL = new AbortController().signal;
const SECRET = Buffer.from('a secret of twenty-four bytes and more');

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hallmark-whole-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What was posted to a server of this test: an endpoint, or a collector of traces. */
function receiver<T>(read: (request: Request) => Promise<T>) {
  const received: T[] = [];
  const fetch = async (request: Request) => {
    received.push(await read(request));
    return Response.json({});
  };
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch });
  closing.push(() => server.stop(true));
  return { received, url: `http://127.0.0.1:${server.port}/` };
}

/** A trust server on the database in `directory`, with all that stands around it. */
async function replica(directory: string, name: string, keys: TrustStage['keys'], url: string, tracing?: Tracing) {
  const { storage, close } = await openMetadataStorage({ engine: 'sqlite', url: join(directory, 'server.db') });
  const shared = openSqlite<CoordinationTables>(join(directory, 'server.db'));
  closing.push(close, () => shared.destroy());
  await migrateDatabase({ engine: 'sqlite', database: shared }, COORDINATION_SCHEMA);
  const coordination = new SqlCoordination(shared);
  const metrics = new TrustMetrics(new Metrics({ process: false }));
  const cached = new CachedStorage(observedStorage(storage, metrics));
  const stage = new TrustStage({ storage: cached, keys: observedKeys(keys, metrics) });
  const fetch: Fetch = withRequestLog(observedServer(stage.server.fetch, { metrics }), SILENT_LOG, {
    routeOf: trustRoute,
    meter: metrics.requests,
    ...(tracing === undefined ? {} : { tracing }),
  });
  const common = { coordination, holder: name, clock: () => stage.now, log: SILENT_LOG };
  const endpoint = { name: 'ci', url, secret: SECRET };
  const webhooks = new Webhooks({ ...common, endpoints: [endpoint], source: storage });
  const path = join(directory, `${name}.jsonl`);
  return {
    stage,
    fetch,
    path,
    storage,
    renew: () => new Renewer({ ...common, ...RENEWAL, storage, refresher: stage.server.refresher }).step(SIGNAL),
    tell: () => webhooks.step(endpoint, SIGNAL),
    copy: async () => (await AuditWriter.open({ ...common, source: storage, path, name })).stop(),
  };
}

describe('two replicas on one database', () => {
  test('publish, renew, tell and record as one', async () => {
    const directory = scratch();
    const { received, url } = receiver(async (request) => ((await request.json()) as { readonly id: string }).id);
    const first = await replica(directory, 'one', new TrustStage().keys, url);
    const second = await replica(directory, 'two', first.stage.keys, url);
    await Promise.all([first.tell(), second.tell()]);

    const publisher = await first.stage.published('example.com/app');
    expect((await second.stage.upload(publisher.gun, publisher.bump('targets').update('targets'))).status).toBe(200);
    for (const { stage } of [first, second]) stage.now = new Date(stage.now.getTime() + 11 * DAY);
    await Promise.all([first.renew(), second.renew()]);
    await second.stage.request('DELETE', `/v2/${publisher.gun}/_trust/tuf/`);
    await Promise.all([first.tell(), second.tell()]);
    await Promise.all([first.copy(), second.copy()]);

    const actions = (await first.storage.audit({ limit: 10 })).map(({ action, actor }) => `${actor.name} ${action}`);
    expect(actions).toEqual(['anonymous publish', 'anonymous publish', 'server renew', 'anonymous delete']);
    expect(received).toEqual(['1.publish', '2.publish', '4.delete']);
    const [one, two] = await Promise.all([verifyAuditFile(first.path), verifyAuditFile(second.path)]);
    expect(one.entries).toBe(4);
    expect(one.head).toEqual(two.head);
    expect((await Array.fromAsync(readAuditFile(first.path))).map(({ action }) => action)).toEqual([
      'publish',
      'publish',
      'renew',
      'delete',
    ]);
  });

  test('a publish that is traced shows storage, signatures and verification below it', async () => {
    const directory = scratch();
    interface Sent {
      readonly name: string;
      readonly spanId: string;
      readonly parentSpanId?: string;
    }
    const collector = receiver(async (request) => {
      // biome-ignore lint/suspicious/noExplicitAny: OTLP's JSON
      const body = (await request.json()) as any;
      return body.resourceSpans[0].scopeSpans[0].spans as readonly Sent[];
    });
    const options = { endpoint: collector.url, service: 'hallmark-server', version: '1', log: SILENT_LOG };
    const tracing = await openTracing(options);
    const { stage, fetch } = await replica(directory, 'one', new TrustStage().keys, collector.url, tracing);
    const publisher = await stage.publisher('example.com/app');
    const init = { method: 'POST', ...multipart(publisher.addTarget('latest').all()) };
    const response = await fetch(new Request('https://x/v2/example.com/app/_trust/tuf/', init));
    expect(response.status).toBe(200);
    await tracing.stop();

    const spans = collector.received.flat();
    const request = spans.find(({ name }) => name === 'UpdateTUF');
    const below = new Set(spans.filter(({ parentSpanId }) => parentSpanId === request?.spanId).map(({ name }) => name));
    expect([...below].sort()).toEqual(
      ['signer info', 'signer sign', 'signer signer', 'storage commit', 'storage newest', 'verification'].sort(),
    );
  });
});
