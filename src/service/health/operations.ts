// SPDX-License-Identifier: Apache-2.0

import { type Listener, listen } from '../listener.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Fetch } from '../request-log.ts';
import { pathAndQuery } from '../request-target.ts';
import type { Health } from './health.ts';

export interface OperationsOptions {
  readonly health: Health;
  readonly metrics?: Pick<Metrics, 'text' | 'contentType'>;
}

/**
 * What a service tells those who run it, on a listener of its own that outsiders cannot reach: `/live`, `/ready` with
 * what is wrong, and `/metrics`.
 */
export function operationsApp({ health, metrics }: OperationsOptions): Fetch {
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405 });
    switch (pathAndQuery(request.url)[0]) {
      case '/live':
        return json(200, { status: 'live' });
      case '/ready':
        return ready(health);
      case '/metrics':
        return metrics === undefined ? new Response(null, { status: 404 }) : measured(metrics);
      default:
        return new Response(null, { status: 404 });
    }
  };
}

/** The listener of what settings say; none where they say nothing. @throws ListenError */
export function listenForOperations(
  address: { readonly hostname: string; readonly port: number } | undefined,
  options: OperationsOptions,
): Listener | undefined {
  return address && listen({ fetch: operationsApp(options), tls: 'plain', ...address, limits: { drainMs: 1000 } });
}

async function ready(health: Health): Promise<Response> {
  const { ready: isReady, degraded, checks } = await health.readiness();
  if (!isReady) return json(503, { status: 'not ready', checks });
  return json(200, { status: degraded ? 'degraded' : 'ready', checks });
}

async function measured(metrics: Pick<Metrics, 'text' | 'contentType'>): Promise<Response> {
  return new Response(await metrics.text(), { headers: { 'Content-Type': metrics.contentType } });
}

function json(status: number, body: unknown): Response {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
  return new Response(`${JSON.stringify(body)}\n`, { status, headers });
}
