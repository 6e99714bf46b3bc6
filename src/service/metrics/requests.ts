// SPDX-License-Identifier: Apache-2.0
import type { RequestMeter } from '../request-log.ts';
import { type Metrics, OTHER, type SummaryRow } from './metrics.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;

/** Meters the requests of a service whose routes have these names. */
export class RequestMetrics implements RequestMeter {
  readonly #observe: (labels: { route: string; method: string; status: string }, milliseconds: number) => void;
  readonly #totals = new Map<string, { sum: number; count: number }>();
  readonly #routes: ReadonlySet<string>;
  #inFlight = 0;

  constructor(metrics: Metrics, routes: readonly string[]) {
    this.#routes = new Set(routes);
    const labels = { route: routes, method: METHODS, status: CLASSES };
    const help = 'Time from the request line to the answer';
    this.#observe = metrics.durations('hallmark_http_request_duration_seconds', help, labels);
    metrics.gauge('hallmark_http_requests_in_flight', 'Requests that are being answered', () => this.#inFlight);
  }

  began(): void {
    this.#inFlight += 1;
  }

  ended(route: string, method: string, status: number, milliseconds: number): void {
    this.#inFlight -= 1;
    this.#observe({ route, method, status: CLASSES[Math.floor(status / 100) - 2] ?? OTHER }, milliseconds);
    const name = this.#routes.has(route) ? route : OTHER;
    const total = this.#totals.get(name);
    if (total === undefined) this.#totals.set(name, { sum: milliseconds, count: 1 });
    else {
      total.sum += milliseconds;
      total.count += 1;
    }
  }

  /** The same by route alone, in microseconds. */
  microseconds(label: string): readonly SummaryRow[] {
    return [...this.#totals].map(([route, { sum, count }]) => ({ labels: { [label]: route }, sum: sum * 1000, count }));
  }
}
