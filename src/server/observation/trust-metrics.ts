// SPDX-License-Identifier: Apache-2.0
import { type Metrics, OTHER, RequestMetrics } from '../../service/metrics/index.ts';
import { PROBLEM_CODES } from '../problems.ts';
import { type CacheStatistics, STORAGE_CALLS } from '../storage/index.ts';
import { TRUST_ROUTES } from './trust-route.ts';

/** Those of service keys, and the signatures that their signers make. */
export const SIGNER_CALLS = ['create', 'signer', 'info', 'remove', 'sign'];

export type CallResult = 'ok' | 'conflict' | 'error';

/** The metrics of a trust server; `docs/observing.md` says what each means. */
export class TrustMetrics {
  /** For `withRequestLog`. */
  readonly requests: RequestMetrics;
  readonly published: (labels: { readonly outcome: string }) => void;
  readonly refused: (labels: { readonly code: string }) => void;
  readonly storageCall: (labels: { readonly call: string; readonly result: CallResult }, milliseconds: number) => void;
  readonly signerCall: (labels: { readonly call: string; readonly result: CallResult }, milliseconds: number) => void;
  readonly renewed: (labels: { readonly role: string; readonly outcome: string }) => void;
  readonly delivered: (labels: { readonly endpoint: string; readonly outcome: string }) => void;
  readonly #metrics: Metrics;

  /**
   * @param endpoints the names of the configured webhooks
   * @param moreRoutes of what is served beside the API
   */
  constructor(metrics: Metrics, endpoints: readonly string[] = [], moreRoutes: readonly string[] = []) {
    this.#metrics = metrics;
    this.requests = new RequestMetrics(metrics, [...TRUST_ROUTES, ...moreRoutes]);
    this.published = metrics.counter('hallmark_publishes_total', 'Updates that were sent, by what became of them', {
      outcome: ['OK', ...PROBLEM_CODES, OTHER],
    });
    this.refused = metrics.counter('hallmark_refusals_total', 'Requests that got an error, by its code', {
      code: [...PROBLEM_CODES, OTHER],
    });
    const result: readonly CallResult[] = ['ok', 'conflict', 'error'];
    const storage = { call: STORAGE_CALLS, result };
    this.storageCall = metrics.durations('hallmark_storage_call_duration_seconds', 'Calls of storage', storage);
    const signer = { call: SIGNER_CALLS, result };
    this.signerCall = metrics.durations('hallmark_signer_call_duration_seconds', 'Calls of the signer', signer);
    this.renewed = metrics.counter('hallmark_renewals_total', 'Files that were due, by what became of them', {
      role: ['timestamp', 'snapshot'],
      outcome: ['renewed', 'current', 'not-ours', 'conflict', 'refused', 'failed'],
    });
    this.delivered = metrics.counter('hallmark_webhook_deliveries_total', 'Messages that were sent', {
      endpoint: endpoints,
      outcome: ['delivered', 'failed', 'given-up'],
    });
    const help = 'Sum and count of request durations under the name that notary-server gives them';
    const name = 'notary_server_http_request_duration_microseconds';
    metrics.summary(name, help, () => this.requests.microseconds('operation'));
  }

  /** Tells of a cache. */
  watchCache(statistics: () => CacheStatistics): void {
    const [reads, help] = ['hallmark_cache_reads_total', 'Files asked of the cache'];
    const read = (result: 'hit' | 'miss') => (result === 'hit' ? statistics().hits : statistics().misses);
    this.#metrics.gauges(reads, help, 'result', ['hit', 'miss'], read, 'total');
    this.#metrics.gauge('hallmark_cache_bytes', 'Metadata in memory', () => statistics().bytes);
  }

  /** Tells of what expires next. */
  watchExpiry<Role extends string>(roles: readonly Role[], horizon: (role: Role) => number | undefined): void {
    const help = 'Time until the next file of the role expires';
    this.#metrics.gauges('hallmark_expiry_horizon_seconds', help, 'role', roles, horizon);
  }
}
