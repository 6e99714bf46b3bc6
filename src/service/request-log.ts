// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { TrustedProxies } from './client-address.ts';
import type { Log } from './log.ts';
import { inRequest, type RequestContext } from './request-context.ts';
import { noteOrigin, originOf } from './request-origin.ts';
import type { Span, Tracing } from './span.ts';

export type Fetch = (request: Request) => Promise<Response>;

/** Counts and times requests by the name of their route. */
export interface RequestMeter {
  began(): void;
  ended(route: string, method: string, status: number, milliseconds: number): void;
}

export interface RequestLogOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
  /** Whose headers are believed. */
  readonly proxies?: TrustedProxies;
  /** The name of a request's route, of a fixed set: it becomes a label of metrics and the name of spans (S23). */
  readonly routeOf?: (request: Request) => string;
  readonly meter?: RequestMeter;
  readonly tracing?: Tracing;
}

const WRITES = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

/** In every answer, so that a client's report can be found in the log. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/**
 * Gives each request an ID, and writes one line for it: writes and failures at `info` and above, reads at `debug`. The
 * query is left out. Everything below knows the request by `currentRequest`.
 */
export function withRequestLog(fetch: Fetch, log: Log, options: RequestLogOptions = {}): Fetch {
  const { elapsed = () => performance.now(), proxies = new TrustedProxies() } = options;
  const { routeOf = () => 'other', meter, tracing } = options;
  const answer = async (request: Request, context: RequestContext) => {
    const start = elapsed();
    meter?.began();
    let status = 500;
    try {
      const response = identified(await fetch(request), context.id);
      status = response.status;
      return response;
    } finally {
      const ms = elapsed() - start;
      meter?.ended(context.route, request.method, status, ms);
      if (context.span !== undefined) endSpan(context.span, request.method, status);
      write(log, request, status, ms, context);
    }
  };
  return (request) => {
    const route = routeOf(request);
    const span = tracing?.request(route, request.headers.get('traceparent'));
    const context = { id: idOf(request, proxies), route, origin: () => originOf(request), caller: {}, span };
    return inRequest(context, () => answer(request, context));
  };
}

/** The request's ID, and from now on its origin says it. */
function idOf(request: Request, proxies: TrustedProxies): string {
  if (!proxies.any) {
    const id = randomUUID();
    noteOrigin(request, () => ({ requestId: id }));
    return id;
  }
  const peer = originOf(request).address;
  const id = proxies.requestIdOf(request, peer) ?? randomUUID();
  const address = proxies.addressOf(request, peer);
  noteOrigin(request, () => ({ requestId: id, ...(address === undefined ? {} : { address }) }));
  return id;
}

function identified(response: Response, id: string): Response {
  try {
    response.headers.set(REQUEST_ID_HEADER, id);
    return response;
  } catch {
    // the headers of an answer that was fetched elsewhere cannot be changed
    const headers = new Headers(response.headers);
    headers.set(REQUEST_ID_HEADER, id);
    return new Response(response.body, { status: response.status, headers });
  }
}

function endSpan(span: Span, method: string, status: number): void {
  span.set('http.request.method', method);
  span.set('http.response.status_code', status);
  if (status >= 500) span.fail(undefined);
  span.end();
}

function write(log: Log, request: Request, status: number, ms: number, { id, origin, caller }: RequestContext): void {
  const { method, url } = request;
  const line = () => ({
    requestId: id,
    method,
    path: url.slice(url.indexOf('/', 8)).replace(/\?.*$/s, ''),
    status,
    ms: Math.round(ms * 10) / 10,
    ...(caller.name === undefined ? {} : { user: caller.name }),
    ...(origin().address === undefined ? {} : { address: origin().address }),
  });
  if (status >= 500) log.error(line(), 'request');
  else if (WRITES.has(method)) log.info(line(), 'request');
  else if (log.isDebug) log.debug(line(), 'request');
}
