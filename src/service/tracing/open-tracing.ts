// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../log.ts';
import type { Tracing } from '../span.ts';

export interface TracingOptions {
  /** Where an OpenTelemetry collector takes traces over HTTP, whole: `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string;
  /** Sent along, such as the collector's own token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `hallmark-server`, `hallmark-signer`. */
  readonly service: string;
  readonly version: string;
  /** The share of requests that are traced, from 0 to 1. */
  readonly ratio?: number;
  /** How long stopping may wait for the collector, in milliseconds. */
  readonly stopMs?: number;
  readonly log: Log;
}

/**
 * Traces requests with OpenTelemetry. Its packages are loaded here and nowhere else, so a service that does not trace
 * starts without them.
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { OpenTelemetryTracing } = await import('./open-telemetry.ts');
  return new OpenTelemetryTracing(options);
}
