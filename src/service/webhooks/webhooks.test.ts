// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import type { AuditLine, AuditLineQuery } from '../audit/index.ts';
import { MemoryCoordination } from '../coordination/index.ts';
import { SILENT_LOG } from '../log.ts';
import type { WebhookOptions } from './dispatcher.ts';
import { parseWebhookSecret, type WebhookEndpoint, Webhooks } from './index.ts';
import { WebhookSecretError } from './signature.ts';

const SECRET = Buffer.from('a secret of twenty-four bytes and more');
const SIGNAL = new AbortController().signal;

/** An audit log to which a test appends. */
class Ledger {
  readonly lines: AuditLine[] = [];

  add(action: string, gun: string, detail: AuditLine['detail'] = {}): void {
    const actor = { name: 'ann', address: '192.0.2.1', requestId: 'r1' };
    this.lines.push({
      id: String(this.lines.length + 1),
      at: new Date('2026-11-23T12:00:00Z'),
      actor,
      action,
      gun,
      detail,
    });
  }

  async audit({ after = 0, since, limit }: AuditLineQuery): Promise<readonly AuditLine[]> {
    return this.lines
      .filter(({ id, at }) => Number(id) > after && (since === undefined || at >= since))
      .slice(0, limit);
  }
}

const servers: { stop(force: boolean): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop(true);
});

interface Received {
  readonly id: string | null;
  readonly body: string;
  readonly headers: Headers;
}

/** An endpoint that answers as it is told, and keeps what it got. */
function receiver(answer: (received: Received) => Response | Promise<Response> = () => new Response()) {
  const received: Received[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const message = { id: request.headers.get('webhook-id'), body: await request.text(), headers: request.headers };
      received.push(message);
      return answer(message);
    },
  });
  servers.push(server);
  const endpoint: WebhookEndpoint = { name: 'ci', url: `http://127.0.0.1:${server.port}/hook`, secret: SECRET };
  return { received, ids: () => received.map(({ id }) => id), endpoint };
}

class Stage {
  now = new Date('2026-11-23T12:00:00Z');
  readonly ledger = new Ledger();
  readonly coordination = new MemoryCoordination();
  readonly counted: string[] = [];

  webhooks(endpoint: WebhookEndpoint, holder = 'one', options: Partial<WebhookOptions> = {}): Webhooks {
    return new Webhooks({
      endpoints: [endpoint],
      source: this.ledger,
      coordination: this.coordination,
      holder,
      clock: () => this.now,
      log: SILENT_LOG,
      count: (_, outcome) => void this.counted.push(outcome),
      random: () => 1,
      ...options,
    });
  }

  wait(seconds: number): void {
    this.now = new Date(this.now.getTime() + seconds * 1000);
  }
}

/** A stage whose endpoint is known already, so that it hears of everything from here on. */
async function known(endpoint: WebhookEndpoint) {
  const stage = new Stage();
  await stage.webhooks(endpoint).step(endpoint, SIGNAL);
  return stage;
}

describe('webhooks', () => {
  test('tell of a publish, a rotation, a deletion and a coming expiry, in order and signed', async () => {
    const { received, ids, endpoint } = receiver();
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b', { files: [{ role: 'root', version: 1, sha256: 'x' }] });
    stage.ledger.add('renew', 'a/b', { files: [] });
    stage.ledger.add('publish', 'a/b', { files: [{ role: 'root', version: 2, sha256: 'y' }] });
    stage.ledger.add('key-create', 'a/b');
    stage.ledger.add('delete', 'a/b');
    stage.ledger.add('expiring', 'a/c', { role: 'targets', version: 3, expires: '2026-12-01T00:00:00.000Z' });

    await stage.webhooks(endpoint).step(endpoint, SIGNAL);

    expect(ids()).toEqual(['1.publish', '3.publish', '3.rotation', '5.delete', '6.expiring']);
    const [first] = received;
    expect(JSON.parse(first?.body ?? '')).toEqual({
      id: '1.publish',
      type: 'publish',
      at: '2026-11-23T12:00:00.000Z',
      gun: 'a/b',
      actor: 'ann',
      requestId: 'r1',
      files: [{ role: 'root', version: 1, sha256: 'x' }],
    });
    const signed = `1.publish.${stage.now.getTime() / 1000}.${first?.body}`;
    const mac = createHmac('sha256', SECRET).update(signed).digest('base64');
    expect(first?.headers.get('webhook-signature')).toBe(`v1,${mac}`);
    expect(first?.headers.get('webhook-timestamp')).toBe(String(stage.now.getTime() / 1000));
  });

  test('an endpoint that is new hears nothing of the past, and only of what it wants', async () => {
    const { ids, endpoint } = receiver();
    const stage = new Stage();
    stage.ledger.add('publish', 'a/old');
    const wanting: WebhookEndpoint = { ...endpoint, events: ['delete'] };
    await stage.webhooks(wanting).step(wanting, SIGNAL);
    stage.ledger.add('publish', 'a/b');
    stage.ledger.add('delete', 'a/b');

    await stage.webhooks(wanting).step(wanting, SIGNAL);

    expect(ids()).toEqual(['2.publish', '3.delete'].slice(1));
  });

  test('what failed is sent again after a growing while, in order, also by a process that was started since', async () => {
    let status = 503;
    const { ids, endpoint } = receiver(() => new Response(null, { status }));
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');
    stage.ledger.add('publish', 'a/c');

    await stage.webhooks(endpoint).step(endpoint, SIGNAL);
    await stage.webhooks(endpoint).step(endpoint, SIGNAL);
    expect(ids()).toEqual(['1.publish']);
    stage.wait(1);
    await stage.webhooks(endpoint).step(endpoint, SIGNAL);
    stage.wait(1);
    await stage.webhooks(endpoint).step(endpoint, SIGNAL);
    expect(ids()).toEqual(['1.publish', '1.publish']);
    status = 200;
    stage.wait(1);
    await stage.webhooks(endpoint).step(endpoint, SIGNAL);

    expect(ids()).toEqual(['1.publish', '1.publish', '1.publish', '2.publish']);
    expect(stage.counted).toEqual(['failed', 'failed', 'delivered', 'delivered']);
  });

  test('one replica at a time delivers; when it is gone another goes on where it was', async () => {
    const { ids, endpoint } = receiver();
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');

    await stage.webhooks(endpoint, 'two').step(endpoint, SIGNAL);
    expect(ids()).toEqual([]);
    await stage.webhooks(endpoint, 'one').step(endpoint, SIGNAL);
    stage.ledger.add('publish', 'a/c');
    stage.wait(61);
    await stage.webhooks(endpoint, 'two').step(endpoint, SIGNAL);

    expect(ids()).toEqual(['1.publish', '2.publish']);
  });

  test('two replicas that both believe to hold the lease lose nothing and move nothing back', async () => {
    const { ids, endpoint } = receiver();
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');
    stage.coordination.acquire = async () => true;

    await Promise.all(['one', 'two'].map((holder) => stage.webhooks(endpoint, holder).step(endpoint, SIGNAL)));

    expect(new Set(ids())).toEqual(new Set(['1.publish']));
    expect((await stage.coordination.cursor('webhook ci'))?.position).toBe(1);
  });

  test('a message that is refused is given up after ten attempts, and the next one is sent', async () => {
    const { ids, endpoint } = receiver(({ id }) => new Response(null, { status: id === '1.publish' ? 400 : 200 }));
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');
    stage.ledger.add('publish', 'a/c');

    for (let attempt = 0; attempt < 10; attempt++) {
      await stage.webhooks(endpoint).step(endpoint, SIGNAL);
      stage.wait(600);
    }

    expect(ids()).toEqual([...Array(10).fill('1.publish'), '2.publish']);
    expect(stage.counted.slice(-2)).toEqual(['given-up', 'delivered']);
  });

  test('an endpoint that cannot be reached keeps a message for three days', async () => {
    const endpoint: WebhookEndpoint = { name: 'ci', url: 'http://127.0.0.1:1/', secret: SECRET };
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');

    await stage.webhooks(endpoint).step(endpoint, SIGNAL);
    stage.wait(3 * 86_400 - 1);
    await stage.webhooks(endpoint).step(endpoint, SIGNAL);
    expect((await stage.coordination.cursor('webhook ci'))?.position).toBe(0);
    stage.wait(601);
    await stage.webhooks(endpoint).step(endpoint, SIGNAL);

    expect((await stage.coordination.cursor('webhook ci'))?.position).toBe(1);
  });

  test('S34 a redirect is not followed', async () => {
    const inside = receiver();
    const { endpoint } = receiver(() => Response.redirect(inside.endpoint.url, 307));
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');

    await stage.webhooks(endpoint).step(endpoint, SIGNAL);

    expect(inside.received).toEqual([]);
    expect(stage.counted).toEqual(['failed']);
  });

  test('what was cut off by a stop is sent again', async () => {
    const arrived = Promise.withResolvers<void>();
    const { ids, endpoint } = receiver(() => {
      arrived.resolve();
      return ids().length === 1 ? new Promise<Response>(() => {}) : new Response();
    });
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');
    const first = stage.webhooks(endpoint);
    first.start();
    await arrived.promise;
    await first.stop();

    await stage.webhooks(endpoint, 'two').step(endpoint, SIGNAL);

    expect(ids()).toEqual(['1.publish', '1.publish']);
    expect(stage.counted).toEqual(['delivered']);
  });

  test('a failure is told without the URL and without the secret', async () => {
    const said: object[] = [];
    const log = { ...SILENT_LOG, warn: (fields: object) => void said.push(fields) };
    const endpoint: WebhookEndpoint = { name: 'ci', url: 'http://127.0.0.1:1/token-in-the-path', secret: SECRET };
    const stage = await known(endpoint);
    stage.ledger.add('publish', 'a/b');
    await stage.webhooks(endpoint, 'one', { log }).step(endpoint, SIGNAL);

    expect(said).toMatchObject([{ endpoint: 'ci', event: '1.publish', attempts: 1 }]);
    expect(JSON.stringify(said)).not.toMatch(/token-in-the-path|secret/);
  });
});

describe('parseWebhookSecret', () => {
  test('reads the text as it is, or base64 behind its prefix', () => {
    expect(parseWebhookSecret(`${SECRET}\n`)).toEqual(SECRET);
    expect(parseWebhookSecret(`whsec_${SECRET.toString('base64')}`)).toEqual(SECRET);
  });

  test('refuses a secret that can be guessed', () => {
    expect(() => parseWebhookSecret('short\n')).toThrow(WebhookSecretError);
    expect(() => parseWebhookSecret('whsec_!!!')).toThrow(WebhookSecretError);
  });
});
