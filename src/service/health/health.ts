// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../log.ts';

/** Resolves when the part can be used; rejects with the reason when not. */
export type Check = () => Promise<void>;

export interface HealthOptions {
  /** What every request needs, by the names that reports use, such as `storage`. */
  readonly checks: Readonly<Record<string, Check>>;
  /**
   * What some requests need and others do without: it is reported, and leaves the service ready. All replicas share such a
   * part, so a balancer that took them out for its sake would take the whole service away.
   */
  readonly advisory?: Readonly<Record<string, Check>>;
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
  /** Ready for a part of its work only. */
  readonly degraded: boolean;
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
    const readiness = await this.#parts();
    return this.#draining
      ? { ...readiness, ready: false, checks: { ...readiness.checks, draining: 'the service is stopping' } }
      : readiness;
  }

  #parts(): Promise<Readiness> {
    const now = this.#elapsed();
    if (this.#known === undefined || now >= this.#known.until) {
      this.#known = { until: now + (this.#options.cacheMs ?? CACHE_MS), readiness: this.#look() };
    }
    return this.#known.readiness;
  }

  async #look(): Promise<Readiness> {
    const { checks, advisory = {} } = this.#options;
    const found = await Promise.all(
      Object.entries({ ...advisory, ...checks }).map(
        async ([name, check]) => [name, await this.#outcome(name, check)] as const,
      ),
    );
    const failing = new Set(found.filter(([, outcome]) => outcome !== FINE).map(([name]) => name));
    this.#report(failing);
    const ready = Object.keys(checks).every((name) => !failing.has(name));
    return { ready, degraded: ready && failing.size > 0, checks: Object.fromEntries(found) };
  }

  async #outcome(name: string, check: Check): Promise<string> {
    const timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      await Promise.race([check(), late]);
      return FINE;
    } catch (error) {
      // the whole of it once, when it begins; the listener's readers get the first line
      if (!this.#failing.has(name))
        this.#options.log.error({ error, check: name }, name in this.#options.checks ? 'not ready' : 'degraded');
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
