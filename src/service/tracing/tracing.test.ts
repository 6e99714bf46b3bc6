// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, test } from 'bun:test';
import { SILENT_LOG } from '../log.ts';
import { currentRequest, traced } from '../request-context.ts';
import { withRequestLog } from '../request-log.ts';
import type { Tracing } from '../span.ts';
import { openTracing } from './index.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

interface Sent {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A collector that keeps what it is sent. */
function collector(status = 200) {
  const spans: Sent[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      // biome-ignore lint/suspicious/noExplicitAny: OTLP's JSON
      const body = (await request.json()) as any;
      if (status === 200) spans.push(...body.resourceSpans[0].scopeSpans[0].spans);
      return Response.json({}, { status });
    },
  });
  stops.push(() => server.stop(true));
  return { spans, endpoint: `http://127.0.0.1:${server.port}/v1/traces` };
}

const open = (endpoint: string, ratio = 1) =>
  openTracing({ endpoint, ratio, service: 'hallmark-server', version: '1', log: SILENT_LOG });

const serve = (tracing: Tracing, work: () => Promise<Response>) =>
  withRequestLog(work, SILENT_LOG, { tracing, routeOf: () => 'GetRole' });

describe('tracing', () => {
  test('a request is a span below the caller, with its steps below it, sent when the service stops', async () => {
    const { spans, endpoint } = collector();
    const tracing = await open(endpoint);
    const fetch = serve(tracing, () =>
      traced('storage latest', { role: 'root' }, async () =>
        traced('inner', {}, async () => new Response(currentRequest()?.span?.traceparent)),
      ),
    );

    const response = await fetch(new Request('https://x/', { headers: { traceparent: PARENT } }));
    await tracing.stop();

    const [request, storage, inner] = ['GetRole', 'storage latest', 'inner'].map((name) =>
      spans.find((span) => span.name === name),
    );
    expect(spans).toHaveLength(3);
    expect(request).toMatchObject({ traceId: PARENT.slice(3, 35), parentSpanId: PARENT.slice(36, 52) });
    expect([storage?.parentSpanId, inner?.parentSpanId]).toEqual([request?.spanId, storage?.spanId]);
    expect(await response.text()).toBe(`00-${inner?.traceId}-${inner?.spanId}-01`);
    expect(request?.attributes.map(({ key }) => key).sort()).toEqual([
      'http.request.method',
      'http.response.status_code',
    ]);
  });

  test('a step that fails is marked by the class of its error alone', async () => {
    const { spans, endpoint } = collector();
    const tracing = await open(endpoint);
    const fetch = serve(tracing, () =>
      traced('signer', {}, async () => {
        throw new TypeError('what a client sent');
      }).catch(() => new Response(null, { status: 500 })),
    );

    await fetch(new Request('https://x/'));
    await tracing.stop();

    expect(spans.map(({ status }) => status.code)).toEqual([2, 2]);
    expect(JSON.stringify(spans)).toContain('TypeError');
    expect(JSON.stringify(spans)).not.toContain('what a client sent');
  });

  test.each(['', 'garbage', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, PARENT.replace('00-', 'ff-')])(
    'a caller that is none (%p) begins a trace of its own',
    async (traceparent) => {
      const { spans, endpoint } = collector();
      const tracing = await open(endpoint);
      await serve(tracing, async () => new Response())(new Request('https://x/', { headers: { traceparent } }));
      await tracing.stop();

      expect(spans[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(spans[0]?.traceId).not.toBe(PARENT.slice(3, 35));
      expect(spans[0]?.parentSpanId).toBeFalsy();
    },
  );

  test('S23 a caller that asks to be traced is not, where nothing is sampled', async () => {
    const { spans, endpoint } = collector();
    const tracing = await open(endpoint, 0);
    const request = new Request('https://x/', { headers: { traceparent: PARENT } });
    const response = await serve(tracing, async () => new Response(String(currentRequest()?.span)))(request);
    await tracing.stop();

    expect([spans, await response.text()]).toEqual([[], 'undefined']);
  });

  test('a collector that refuses, or is not there, disturbs neither requests nor the stop', async () => {
    const { endpoint } = collector(400);
    const warned: string[] = [];
    for (const url of [endpoint, 'http://127.0.0.1:1/v1/traces']) {
      const log = { ...SILENT_LOG, warn: (_: object, message: string) => void warned.push(message) };
      const tracing = await openTracing({ endpoint: url, service: 's', version: '1', log, stopMs: 200 });
      expect((await serve(tracing, async () => new Response())(new Request('https://x/'))).status).toBe(200);
      await tracing.stop();
    }
    expect(new Set(warned)).toEqual(new Set(['traces cannot be sent']));
  });
});
