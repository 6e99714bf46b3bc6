// SPDX-License-Identifier: Apache-2.0
/**
 * Metrics for Prometheus. Nothing that a client sends becomes a label, and nothing here answers a request: that is the
 * operations listener's (`service/health`).
 *
 *     const metrics = new Metrics();
 *     const count = metrics.counter('hallmark_publishes_total', 'Publishes', { outcome: ['OK', 'VERSION'] });
 *     count({ outcome: 'OK' });
 *     await metrics.text();
 */
export { measureCertificates } from './certificates.ts';
export { Metrics, OTHER } from './metrics.ts';
export { RequestMetrics } from './requests.ts';
