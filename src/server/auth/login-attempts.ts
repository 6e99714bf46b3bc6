// SPDX-License-Identifier: Apache-2.0
import { clientNetwork } from '../../service/index.ts';
import { TooManyAttemptsError } from './authenticator.ts';

const MAX_FAILURES = 20;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

interface Window {
  readonly until: number;
  failures: number;
}

/** Slows down whoever guesses passwords: an address may fail so often a minute, then it waits. */
export class LoginAttempts {
  readonly #windows = new Map<string, Window>();
  readonly #elapsed: () => number;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** @throws TooManyAttemptsError if the address failed too often of late */
  check(address: string): void {
    const now = this.#elapsed();
    const window = this.#windows.get(clientNetwork(address));
    if (window !== undefined && now < window.until && window.failures >= MAX_FAILURES) {
      throw new TooManyAttemptsError(Math.ceil((window.until - now) / 1000));
    }
  }

  failed(address: string): void {
    const now = this.#elapsed();
    const place = clientNetwork(address);
    const open = this.#windows.get(place);
    const window = open !== undefined && now < open.until ? open : this.#open(place, now);
    window.failures++;
  }

  #open(place: string, now: number): Window {
    const window = { until: now + WINDOW_MS, failures: 0 };
    this.#windows.delete(place);
    if (this.#windows.size >= MAX_ADDRESSES) {
      for (const [oldest] of this.#windows) {
        this.#windows.delete(oldest);
        break;
      }
    }
    this.#windows.set(place, window);
    return window;
  }
}
