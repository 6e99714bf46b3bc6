// SPDX-License-Identifier: Apache-2.0
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The labels of a metric, each with every value that it can have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;
type Labels<L extends LabelSets> = { readonly [Name in keyof L]: string };

/** What a label says for a value that is not of its set. */
export const OTHER = 'other';

/**
 * The metrics of one process, for Prometheus. A label has a fixed set of values, given when the metric is made, and
 * whatever else it is told becomes `other`: no client can make the number of time series grow (S23). So a GUN, a path, an
 * address or a user is never a label.
 */
export class Metrics {
  readonly #registry = new Registry();

  /**
   * @param options.process whether to tell of the process as well: memory, processor time, file descriptors, and how late the
   * event loop is, for which a timer looks a hundred times a second: only where somebody can ask
   */
  constructor(options: { readonly process?: boolean } = {}) {
    if (options.process ?? true) collectDefaultMetrics({ register: this.#registry });
  }

  /** Counts upwards; every combination of labels is there from the start, at zero. */
  counter<const L extends LabelSets>(name: string, help: string, labels: L): (labels: Labels<L>, by?: number) => void {
    const counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    for (const combination of combinations(labels)) counter.inc(combination, 0);
    const bounded = bounder(labels);
    return (given, by = 1) => counter.inc(bounded(given), by);
  }

  /** Sorts durations, given in milliseconds, into buckets of seconds. */
  durations<const L extends LabelSets>(
    name: string,
    help: string,
    labels: L,
    buckets: readonly number[] = SECONDS,
  ): (labels: Labels<L>, milliseconds: number) => void {
    const made = new Histogram({
      name,
      help,
      labelNames: Object.keys(labels),
      buckets: [...buckets],
      registers: [this.#registry],
    });
    const bounded = bounder(labels);
    return (given, milliseconds) => made.observe(bounded(given), milliseconds / 1000);
  }

  /** A value that is looked up when somebody asks; `undefined` leaves it out. */
  gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        const value = read();
        if (value === undefined) this.reset();
        else this.set(value);
      },
    });
  }

  /** As {@link gauge}, with one label. `total`: it only ever grows. */
  gauges<const Value extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly Value[],
    read: (value: Value) => number | undefined,
    kind: 'gauge' | 'total' = 'gauge',
  ): void {
    const Kind = kind === 'gauge' ? Gauge : Counter;
    new Kind({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const value of values) {
          const found = read(value);
          if (found !== undefined) this.inc({ [label]: value }, found);
        }
      },
    });
  }

  /** Another form of numbers that are kept elsewhere: a summary of sums and counts, worked out when somebody asks. */
  summary(name: string, help: string, read: () => readonly SummaryRow[]): void {
    this.#register(name, help, 'summary', () =>
      read().flatMap(({ labels, sum, count }) => [
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]),
    );
  }

  /** A histogram of numbers that are kept elsewhere. @param bounds of the buckets but the last, upwards */
  histogram(name: string, help: string, bounds: readonly number[], read: () => readonly HistogramRow[]): void {
    this.#register(name, help, 'histogram', () =>
      read().flatMap(({ labels, buckets, sum }) => {
        let count = 0;
        const values = buckets.map((more, index) => {
          count += more;
          const le = bounds[index] ?? '+Inf';
          return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
        });
        return [
          ...values,
          { metricName: `${name}_sum`, labels, value: sum },
          { metricName: `${name}_count`, labels, value: count },
        ];
      }),
    );
  }

  #register(name: string, help: string, type: 'summary' | 'histogram', values: () => readonly object[]): void {
    const get = async () => ({ name, help, type, aggregator: 'sum', values: values() });
    // the registry asks no more of a metric than its name and what it says
    this.#registry.registerMetric({ name, get, reset() {} } as unknown as Counter);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

export interface SummaryRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly sum: number;
  readonly count: number;
}

export interface HistogramRow {
  readonly labels: Readonly<Record<string, string>>;
  /** How many fell into each bucket, the last one without a bound. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

/** From a warm read to a publish with a slow signer. */
export const SECONDS = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Puts {@link OTHER} in the place of every value that is not of its label's set. */
function bounder(labels: LabelSets): (given: Readonly<Record<string, string>>) => Record<string, string> {
  const sets = Object.entries(labels).map(([name, values]) => [name, new Set(values)] as const);
  return (given) => {
    const bounded: Record<string, string> = {};
    for (const [name, values] of sets) {
      const value = given[name] ?? OTHER;
      bounded[name] = values.has(value) ? value : OTHER;
    }
    return bounded;
  };
}

function combinations(labels: LabelSets): readonly Record<string, string>[] {
  return Object.entries(labels).reduce<readonly Record<string, string>[]>(
    (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
    [{}],
  );
}
