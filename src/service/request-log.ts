// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { TrustedProxies } from './client-address.ts';
import type { Log } from './log.ts';
import { inRequest, type RequestContext, type RequestOrigin } from './request-context.ts';
import { peerOf } from './request-origin.ts';
import { pathAndQuery } from './request-target.ts';
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
  /**
   * Routes of reads that come in such numbers that knowing the request would cost more than it tells (a microsecond): their
   * handlers know it only where reads are traced, logged, or come through proxies.
   */
  readonly plainReads?: ReadonlySet<string>;
  readonly meter?: RequestMeter;
  readonly tracing?: Tracing;
}

const NONE: ReadonlySet<string> = new Set();
const WRITES = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

/** With it a client's report is found in the log. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/**
 * Gives each request an ID, and writes one line for it: writes and failures at `info` and above, reads at `debug`. The
 * query is left out. Everything below knows the request by `currentRequest`. The answer bears the ID whenever a line, an
 * audit entry or another service does: that of a read which leaves no trace names nothing.
 */
export function withRequestLog(fetch: Fetch, log: Log, options: RequestLogOptions = {}): Fetch {
  const { elapsed = () => performance.now(), proxies = new TrustedProxies() } = options;
  const { routeOf = () => 'other', plainReads = NONE, meter, tracing } = options;
  return async (request) => {
    const start = elapsed();
    const route = routeOf(request);
    const span = tracing?.request(route, request.headers.get('traceparent'));
    const { method } = request;
    const isPlain = span === undefined && !proxies.any && !log.isDebug && plainReads.has(route);
    let context = isPlain ? undefined : new LoggedRequest(request, route, proxies, span);
    meter?.began();
    let status = 500;
    try {
      const response = context === undefined ? await fetch(request) : await inRequest(context, fetch, request);
      status = response.status;
      if (!isTold(log, method, status) && context?.wasAsked !== true) return response;
      context ??= new LoggedRequest(request, route, proxies, span);
      return identified(response, context.id);
    } finally {
      const ms = elapsed() - start;
      meter?.ended(route, method, status, ms);
      if (span !== undefined) endSpan(span, method, status);
      if (isTold(log, method, status)) {
        write(log, request, status, ms, context ?? new LoggedRequest(request, route, proxies, span));
      }
    }
  };
}

/** A successful read leaves no line, unless everything does. */
function isTold(log: Log, method: string, status: number): boolean {
  return status >= 500 || WRITES.has(method) || log.isDebug;
}

/** Nearly every request is a read that nobody wants to know anything of: what costs is worked out when it is asked for. */
class LoggedRequest implements RequestContext {
  readonly request: Request;
  readonly route: string;
  readonly caller: { name?: string } = {};
  readonly span: Span | undefined;
  readonly #proxies: TrustedProxies;
  #id: string | undefined;

  constructor(request: Request, route: string, proxies: TrustedProxies, span: Span | undefined) {
    this.request = request;
    this.route = route;
    this.#proxies = proxies;
    this.span = span;
  }

  /** Whether anything bears the ID. */
  get wasAsked(): boolean {
    return this.#id !== undefined;
  }

  get id(): string {
    this.#id ??= this.#proxies.requestIdOf(this.request, peerOf(this.request).address) ?? randomUUID();
    return this.#id;
  }

  origin(): RequestOrigin {
    const address = this.#proxies.addressOf(this.request, peerOf(this.request).address);
    return { requestId: this.id, ...(address === undefined ? {} : { address }) };
  }
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

function write(log: Log, { method, url }: Request, status: number, ms: number, context: RequestContext): void {
  const { address } = context.origin();
  const line = {
    requestId: context.id,
    method,
    path: pathAndQuery(url)[0],
    status,
    ms: Math.round(ms * 10) / 10,
    ...(context.caller.name === undefined ? {} : { user: context.caller.name }),
    ...(address === undefined ? {} : { address }),
  };
  if (status >= 500) log.error(line, 'request');
  else if (WRITES.has(method)) log.info(line, 'request');
  else log.debug(line, 'request');
}
