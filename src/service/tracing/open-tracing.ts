// SPDX-License-Identifier: Apache-2.0
import type { Tracing } from '../span.ts';
import type { TracingOptions } from './open-telemetry.ts';

/**
 * Traces requests with OpenTelemetry. Its packages are loaded here and nowhere else, so a service that does not trace
 * starts without them.
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { OpenTelemetryTracing } = await import('./open-telemetry.ts');
  return new OpenTelemetryTracing(options);
}
