// SPDX-License-Identifier: Apache-2.0

/** One timed step of a request that is being traced. Nothing here throws, whatever becomes of the exporter. */
export interface Span {
  readonly traceId: string;
  /** As the W3C header of a request to others. */
  readonly traceparent: string;
  child(name: string, attributes: Readonly<Record<string, string | number>>): Span;
  set(attribute: string, value: string | number): void;
  /** Marks the step as failed, by the error's class: its message may hold what a client sent. */
  fail(error: unknown): void;
  end(): void;
}

/** Makes the span of a request; `undefined` when this one is not sampled. */
export interface Tracing {
  /** @param traceparent the W3C header that came with the request */
  request(name: string, traceparent: string | null): Span | undefined;
  /** Sends what is still held, within a few seconds. */
  stop(): Promise<void>;
}
