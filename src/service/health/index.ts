// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a service can work, and the listener that says so to those who run it. The public listener says no more than
 * the original's health check.
 *
 *     const health = new Health({ checks: { storage: () => storage.check() }, log });
 *     const operations = listenForOperations({ hostname: '127.0.0.1', port: 9443 }, { health, metrics });
 *     health.drain();     // first of all when the service is told to stop
 */
export { Health } from './health.ts';
export { listenForOperations, operationsApp } from './operations.ts';
export { recently } from './recently.ts';
