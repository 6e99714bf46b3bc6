// SPDX-License-Identifier: Apache-2.0
import { decisionCounters } from '../policy/index.ts';
import { Metrics } from '../service/metrics/index.ts';

const ROUTES = ['ping', 'catalog', 'manifest', 'blob', 'referrers', 'tags', 'trust', 'none'] as const;
const STATUSES = ['200', '206', '304', '307', '400', '403', '404', '405', '416', '503'] as const;

/** What a gateway counts. */
export class GatewayMetrics {
  readonly metrics = new Metrics();
  readonly decided = decisionCounters((...about) => this.metrics.counter(...about), 'gateway');
  readonly #answers = this.metrics.counter('hallmark_gateway_answers_total', 'Answers of the gateway', {
    route: ROUTES,
    status: STATUSES,
  });

  answered(route: string, status: number): void {
    this.#answers({ route, status: String(status) });
  }
}
