// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span } from './span.ts';

/** Where a request came from, as far as the service knows. */
export interface RequestOrigin {
  /** The client's IP address; that of a proxy where one stands in front that is not trusted to tell. */
  readonly address?: string;
  /** The same as in the service's log. */
  readonly requestId?: string;
}

/** What everything below a request may know of it without being handed it: logs, audit entries, traces, calls to others. */
export interface RequestContext {
  readonly request: Request;
  /** Also in the answer's `X-Request-Id`. */
  readonly id: string;
  /** The name of its route, of a fixed set. */
  readonly route: string;
  /** Where it came from; worked out when somebody wants to know. */
  origin(): RequestOrigin;
  /** Who asks, once that is proven; one object for the whole request. */
  readonly caller: { name?: string };
  /** The innermost span that is open; `undefined` unless the request is traced. */
  readonly span?: Span | undefined;
}

const requests = new AsyncLocalStorage<RequestContext>();

/** The request that is being answered; `undefined` outside of any. */
export function currentRequest(): RequestContext | undefined {
  return requests.getStore();
}

/** Runs `work` with everything it starts, also what goes on after it returned, as part of the request. */
export function inRequest<T, Args extends readonly unknown[]>(
  context: RequestContext,
  work: (...args: Args) => T,
  ...args: Args
): T {
  return requests.run(context, work, ...args);
}

/** Runs `work` as part of no request: what several wait for must not bear the name of the first. */
export function outsideOfRequests<T>(work: () => T): T {
  return requests.exit(work);
}

/** Says who the request comes from, once that is proven. */
export function identifyRequest(name: string): void {
  const context = requests.getStore();
  if (context !== undefined) context.caller.name = name;
}

/** Runs `work` in a span below the current one; where nothing is traced, runs it and nothing else. */
export async function traced<T>(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  work: () => Promise<T>,
): Promise<T> {
  const context = requests.getStore();
  if (context?.span === undefined) return work();
  const span = context.span.child(name, attributes);
  try {
    return await requests.run(below(context, span), work);
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}

/** The same request in a step of its own. */
function below(context: RequestContext, span: Span): RequestContext {
  const { request, route, caller } = context;
  return {
    get id() {
      return context.id;
    },
    request,
    route,
    caller,
    span,
    origin: () => context.origin(),
  };
}
