// SPDX-License-Identifier: Apache-2.0
import { DENY_CODES, type DecisionLabels, UNAVAILABLE_CODES } from '../policy/index.ts';
import { Metrics } from '../service/metrics/index.ts';

const ROUTES = ['ping', 'catalog', 'manifest', 'blob', 'referrers', 'tags', 'trust', 'none'] as const;
const STATUSES = ['200', '206', '304', '307', '400', '403', '404', '405', '416', '503'] as const;

/** What a gateway counts. */
export class GatewayMetrics {
  readonly metrics = new Metrics();
  readonly #decisions = this.metrics.counter('hallmark_decisions_total', 'Decisions about images', {
    point: ['gateway'],
    mode: ['enforce', 'warn', 'audit'],
    outcome: ['allow', 'deny', 'unavailable', 'overruled'],
  });
  readonly #refusals = this.metrics.counter(
    'hallmark_refusals_total',
    'What was held against images, let through or not',
    {
      point: ['gateway'],
      code: [...DENY_CODES, ...UNAVAILABLE_CODES],
    },
  );
  readonly #answers = this.metrics.counter('hallmark_gateway_answers_total', 'Answers of the gateway', {
    route: ROUTES,
    status: STATUSES,
  });

  decided({ point, mode, outcome, code }: DecisionLabels): void {
    this.#decisions({ point, mode, outcome });
    if (code !== 'none') this.#refusals({ point, code });
  }

  answered(route: string, status: number): void {
    this.#answers({ route, status: String(status) });
  }
}
