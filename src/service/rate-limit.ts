// SPDX-License-Identifier: Apache-2.0

/** How often one client may do something. */
export interface Budget {
  /** On the long run. */
  readonly perSecond: number;
  /** At once, after a while of rest. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was true, in milliseconds. */
  at: number;
}

/** What is remembered of each client is small, but clients are many. */
const MAX_CLIENTS = 50_000;

/**
 * A token bucket for each client, in bounded memory: the client that has been away the longest is forgotten first, and a
 * forgotten one has its whole burst again.
 */
export class RateLimiter {
  readonly #budget: Budget;
  readonly #buckets = new Map<string, Bucket>();
  readonly #elapsed: () => number;
  readonly #maxClients: number;

  /** @param elapsed milliseconds of a clock that never goes back */
  constructor(budget: Budget, elapsed: () => number = () => performance.now(), maxClients = MAX_CLIENTS) {
    this.#budget = budget;
    this.#elapsed = elapsed;
    this.#maxClients = maxClients;
  }

  /** Takes one from the client's budget: 0, or the seconds until there is one again, and then nothing was taken. */
  take(client: string): number {
    const now = this.#elapsed();
    const { perSecond, burst } = this.#budget;
    const bucket = this.#buckets.get(client) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    this.#keep(client, bucket);
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / perSecond);
    bucket.tokens -= 1;
    return 0;
  }

  #keep(client: string, bucket: Bucket): void {
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size <= this.#maxClients) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
