// SPDX-License-Identifier: Apache-2.0
import { Counter, Registry } from 'prom-client';
import type { DecisionLabels } from '../policy/index.ts';
import type { Fetch } from '../service/index.ts';

/** What a gateway counts, and its answers to whoever watches it: `/metrics`, `/healthz` and `/readyz`, on a listener of their own. */
export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #decisions: Counter<keyof DecisionLabels>;
  readonly #answers: Counter<'route' | 'status'>;
  /** Set once the gateway serves, and taken back when it stops. */
  isReady = false;

  constructor() {
    const registers = [this.#registry];
    this.#decisions = new Counter({
      name: 'hallmark_decisions_total',
      help: 'Decisions about images, by where and how they were enforced',
      labelNames: ['point', 'mode', 'outcome', 'code'],
      registers,
    });
    this.#answers = new Counter({
      name: 'hallmark_gateway_answers_total',
      help: 'Answers of the gateway',
      labelNames: ['route', 'status'],
      registers,
    });
  }

  decided(labels: DecisionLabels): void {
    this.#decisions.inc({ ...labels });
  }

  answered(route: string, status: number): void {
    this.#answers.inc({ route, status });
  }

  readonly fetch: Fetch = async (request) => {
    switch (new URL(request.url).pathname) {
      case '/metrics':
        return new Response(await this.#registry.metrics(), {
          headers: { 'content-type': this.#registry.contentType },
        });
      case '/healthz':
        return new Response('ok\n');
      case '/readyz':
        return new Response(this.isReady ? 'ok\n' : 'not ready\n', { status: this.isReady ? 200 : 503 });
      default:
        return new Response(null, { status: 404 });
    }
  };
}
