// SPDX-License-Identifier: Apache-2.0
/**
 * Traces for OpenTelemetry, over OTLP/HTTP. A collector that fails, or is not there, disturbs no request.
 *
 *     const tracing = await openTracing({ endpoint, service: 'hallmark-server', version, log });
 *     const fetch = withRequestLog(server.fetch, log, { tracing, routeOf });
 *     await tracing.stop();
 */
export { openTracing } from './open-tracing.ts';
