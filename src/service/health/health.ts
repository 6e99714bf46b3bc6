// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../log.ts';

/** Resolves when the part can be used; rejects with the reason when not. */
export type Check = () => Promise<void>;

export interface HealthOptions {
  /** What a request needs, by the names that reports use: `storage`, `signer`, `schema`. */
  readonly checks: Readonly<Record<string, Check>>;
  readonly log: Log;
  /** How long an answer stands, in milliseconds: however often somebody asks, a part is asked once in that while. */
  readonly cacheMs?: number;
  /** After which a part that does not answer counts as failed. */
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

/** What is wrong, by the name of the part. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

const CACHE_MS = 1000;
const TIMEOUT_MS = 2000;
const FINE = 'ok';

/** Whether a service can do its work now. It is alive as long as it answers at all. */
export class Health {
  readonly #options: HealthOptions;
  readonly #elapsed: () => number;
  #known: { readonly until: number; readonly readiness: Promise<Readiness> } | undefined;
  #draining = false;
  #failing: ReadonlySet<string> = new Set();

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** From now on the service is not ready, so that a load balancer sends no more; it still answers. */
  drain(): void {
    this.#draining = true;
  }

  async readiness(): Promise<Readiness> {
    const { ready, checks } = await this.#parts();
    return this.#draining
      ? { ready: false, checks: { ...checks, draining: 'the service is stopping' } }
      : { ready, checks };
  }

  #parts(): Promise<Readiness> {
    const now = this.#elapsed();
    if (this.#known === undefined || now >= this.#known.until) {
      this.#known = { until: now + (this.#options.cacheMs ?? CACHE_MS), readiness: this.#look() };
    }
    return this.#known.readiness;
  }

  async #look(): Promise<Readiness> {
    const names = Object.keys(this.#options.checks);
    const found = await Promise.all(names.map(async (name) => [name, await this.#outcome(name)] as const));
    const failing = new Set(found.filter(([, outcome]) => outcome !== FINE).map(([name]) => name));
    this.#report(failing);
    return { ready: failing.size === 0, checks: Object.fromEntries(found) };
  }

  async #outcome(name: string): Promise<string> {
    const timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      await Promise.race([this.#options.checks[name]?.(), late]);
      return FINE;
    } catch (error) {
      // the whole of it once, when it begins; the listener's readers get the first line
      if (!this.#failing.has(name)) this.#options.log.error({ error, check: name }, 'not ready');
      return (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 200) ?? '';
    } finally {
      clearTimeout(timer);
    }
  }

  #report(failing: ReadonlySet<string>): void {
    for (const name of this.#failing) {
      if (!failing.has(name)) this.#options.log.info({ check: name }, 'ready again');
    }
    this.#failing = failing;
  }
}
