// SPDX-License-Identifier: Apache-2.0
import type { RequestMeter } from '../request-log.ts';
import { type Metrics, OTHER, SECONDS, type SummaryRow } from './metrics.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', OTHER];
const CLASSES = ['2xx', '3xx', '4xx', '5xx', OTHER];
const BOUNDS = SECONDS.map((seconds) => seconds * 1000);

/** Of one route, method and class of status: how many were at most as long as each bound, and how long all took. */
interface Cell {
  readonly buckets: Float64Array;
  milliseconds: number;
}

/**
 * Meters the requests of a service whose routes have these names. Each request costs a look-up and two additions: what
 * Prometheus wants to know is worked out when it asks.
 */
export class RequestMetrics implements RequestMeter {
  readonly #routes: ReadonlyMap<string, number>;
  readonly #names: readonly string[];
  readonly #cells: (Cell | undefined)[] = [];
  #inFlight = 0;

  constructor(metrics: Metrics, routes: readonly string[]) {
    this.#names = [...new Set([...routes, OTHER])];
    this.#routes = new Map(this.#names.map((name, index) => [name, index]));
    const help = 'Time from the request line to the answer';
    metrics.histogram('hallmark_http_request_duration_seconds', help, SECONDS, () => this.#rows());
    metrics.gauge('hallmark_http_requests_in_flight', 'Requests that are being answered', () => this.#inFlight);
  }

  began(): void {
    this.#inFlight += 1;
  }

  ended(route: string, method: string, status: number, milliseconds: number): void {
    this.#inFlight -= 1;
    const at = (this.#routeIndex(route) * METHODS.length + methodIndex(method)) * CLASSES.length + classIndex(status);
    let cell = this.#cells[at];
    if (cell === undefined) {
      cell = { buckets: new Float64Array(BOUNDS.length + 1), milliseconds: 0 };
      this.#cells[at] = cell;
    }
    let bucket = 0;
    while (milliseconds > (BOUNDS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    cell.buckets[bucket] = (cell.buckets[bucket] ?? 0) + 1;
    cell.milliseconds += milliseconds;
  }

  #routeIndex(route: string): number {
    return this.#routes.get(route) ?? this.#names.length - 1;
  }

  #rows() {
    return this.#cells.flatMap((cell, at) => {
      if (cell === undefined) return [];
      const [rest, status] = [Math.floor(at / CLASSES.length), at % CLASSES.length];
      const labels = {
        route: this.#names[Math.floor(rest / METHODS.length)] ?? OTHER,
        method: METHODS[rest % METHODS.length] ?? OTHER,
        status: CLASSES[status] ?? OTHER,
      };
      return [{ labels, buckets: [...cell.buckets], sum: cell.milliseconds / 1000 }];
    });
  }

  /** The same by route alone, in microseconds. */
  microseconds(label: string): readonly SummaryRow[] {
    const totals = new Map<string, { sum: number; count: number }>();
    for (const { labels, buckets, sum } of this.#rows()) {
      const total = totals.get(labels.route) ?? { sum: 0, count: 0 };
      total.sum += sum * 1_000_000;
      total.count += buckets.reduce((count, more) => count + more, 0);
      totals.set(labels.route, total);
    }
    return [...totals].map(([route, total]) => ({ labels: { [label]: route }, ...total }));
  }
}

function methodIndex(method: string): number {
  const index = METHODS.indexOf(method);
  return index < 0 ? METHODS.length - 1 : index;
}

function classIndex(status: number): number {
  return status >= 200 && status < 600 ? Math.floor(status / 100) - 2 : CLASSES.length - 1;
}
