// SPDX-License-Identifier: Apache-2.0
/**
 * What is measured, traced and recorded of a trust server, all from outside: it decides nothing and changes no answer.
 *
 *     const measured = new TrustMetrics(new Metrics());
 *     const storage = new CachedStorage(observedStorage(sql, measured));
 *     const server = createTrustServer({ storage, keys: observedKeys(keys, measured), … });
 *     const observed = observedServer(server.fetch, { metrics: measured, refusals });
 *     const fetch = withRequestLog(observed, log, {
 *       routeOf: trustRoute,
 *       plainReads: PLAIN_READS,
 *       meter: measured.requests,
 *     });
 */
export { auditedKeys } from './audited-keys.ts';
export { observedKeys, observedStorage } from './observed-parts.ts';
export { observedServer } from './observed-server.ts';
export { RefusalLog } from './refusal-log.ts';
export { TrustMetrics } from './trust-metrics.ts';
export { PLAIN_READS, trustRoute } from './trust-route.ts';
