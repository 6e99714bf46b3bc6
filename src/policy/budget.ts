// SPDX-License-Identifier: Apache-2.0
import { DownloadError, type Fetcher, type HttpFetch, HttpFetcher } from '../client/index.ts';
import type { Gun } from '../tuf/index.ts';

/** What one verification may cost (S32): a trust server cannot hold up or fill up an enforcement point. */
export interface Budget {
  /** For the whole update; some enforcement points are given ten seconds by who asks them. */
  readonly milliseconds: number;
  /** Of all answers together. */
  readonly bytes: number;
  readonly requests: number;
}

export const DEFAULT_BUDGET: Budget = { milliseconds: 8_000, bytes: 64 * 1024 * 1024, requests: 1200 };

/** Fetches from a trust server for one update, until its budget is spent. */
export class BudgetFetcher implements Fetcher {
  readonly #server: string;
  readonly #fetch: HttpFetch;
  readonly #elapsed: () => number;
  readonly #deadline: number;
  #bytes: number;
  #requests: number;

  /** @param elapsed milliseconds of a clock that never goes back */
  constructor(server: string, fetch: HttpFetch, budget: Budget, elapsed: () => number) {
    this.#server = server;
    this.#fetch = fetch;
    this.#elapsed = elapsed;
    this.#deadline = elapsed() + budget.milliseconds;
    this.#bytes = budget.bytes;
    this.#requests = budget.requests;
  }

  /** @throws DownloadError, `timeout` and `too-large` also where the budget is spent */
  async fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    const timeoutMilliseconds = this.#deadline - this.#elapsed();
    if (timeoutMilliseconds <= 0)
      throw new DownloadError('timeout', this.#server, `trust data of ${gun} took longer than one verification may`);
    if (this.#requests-- <= 0 || this.#bytes <= 0)
      throw new DownloadError(
        'too-large',
        this.#server,
        `trust data of ${gun} are more than one verification may need`,
      );
    const fetcher = new HttpFetcher({ server: this.#server, fetch: this.#fetch, timeoutMilliseconds });
    const file = await fetcher.fetch(gun, fileName, Math.min(maxLength, this.#bytes));
    this.#bytes -= file?.length ?? 0;
    return file;
  }
}
