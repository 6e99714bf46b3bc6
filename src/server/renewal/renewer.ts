// SPDX-License-Identifier: Apache-2.0
import { type Coordination, LeasedLoop } from '../../service/coordination/index.ts';
import { type Log, type Wait, waitFor } from '../../service/index.ts';
import { type Gun, SNAPSHOT, TIMESTAMP } from '../../tuf/index.ts';
import type { OnlineRole } from '../online-keys.ts';
import type { Due, Refresher, Renewal } from '../refresh.ts';
import type { ExpiringFile, MetadataStorage } from '../storage/index.ts';

/** How long before it expires something is seen to, in milliseconds. */
export interface Leads {
  readonly timestamp: number;
  readonly snapshot: number;
}

export interface RenewerOptions {
  readonly storage: Pick<MetadataStorage, 'expiring' | 'backfillExpiry'>;
  readonly refresher: Pick<Refresher, 'renew'>;
  readonly coordination: Coordination;
  /** Tells this process from the other replicas. */
  readonly holder: string;
  readonly clock: () => Date;
  readonly log: Log;
  readonly leads: Leads;
  /** Renewals at most. */
  readonly perSecond: number;
  /** Between two looks, in milliseconds. */
  readonly everyMs?: number;
  /** Hears of each file that was looked at. */
  readonly count?: (role: 'timestamp' | 'snapshot', outcome: Renewal | 'failed') => void;
  readonly wait?: Wait;
}

const HOUR = 3_600_000;
const EVERY_MS = 60_000;
const PAGE = 100;
const LEASE_MS = 120_000;
/** One key may be damaged; when as many in a row fail, it is the signer. */
export const FAILURES_IN_A_ROW = 3;
/** What could not be renewed is left alone for so long. */
const PAUSE: Readonly<Record<Renewal | 'failed', number>> = {
  renewed: 0,
  current: 0,
  conflict: 0,
  failed: 10 * 60_000,
  'not-ours': 6 * HOUR,
  refused: 6 * HOUR,
};
/** Files that are remembered as left alone. */
const MAX_PAUSED = 100_000;

/**
 * Signs anew what the server signs itself, before it expires. Any replica may do so: a lease keeps them from doing the
 * same work, and the commit's compare-and-swap from storing it twice. It never touches what a publisher signs.
 */
export class Renewer {
  readonly #loop: LeasedLoop;
  readonly #options: RenewerOptions;
  readonly #paused = new Map<string, number>();

  constructor(options: RenewerOptions) {
    this.#options = options;
    this.#loop = new LeasedLoop((signal) => this.step(signal), { ...options, name: 'renewal', leaseMs: LEASE_MS });
  }

  start(): void {
    this.#loop.start();
  }

  /** Resolves once the renewal under way has ended. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /**
   * Renews all that is due, and says after how many milliseconds to look again.
   * @throws whatever storage or the signer reject with, when it is not one file's fault
   */
  async step(signal: AbortSignal): Promise<number> {
    const { storage, clock, everyMs = EVERY_MS } = this.#options;
    if (!(await this.#loop.mayGoOn(signal))) return everyMs;
    const { isComplete } = await storage.backfillExpiry({ limit: PAGE, now: clock(), signal });
    if (signal.aborted) return everyMs;
    for (const role of [TIMESTAMP, SNAPSHOT]) {
      if (!(await this.#renewAll(role, signal))) return everyMs;
    }
    // while a database is being gone through, the next piece comes at once
    return isComplete ? everyMs : Math.min(1000, everyMs);
  }

  /** `false` when it was told to stop, or another replica took over. */
  async #renewAll(role: OnlineRole, signal: AbortSignal): Promise<boolean> {
    const { storage, perSecond, wait = waitFor } = this.#options;
    let after: ExpiringFile | undefined;
    let failures = 0;
    for (;;) {
      const page = await storage.expiring({
        role,
        before: this.#due()[role === TIMESTAMP ? 'timestamp' : 'snapshot'],
        limit: PAGE,
        ...(after && { after }),
      });
      for (const { gun } of page) {
        if (this.#isPaused(gun, role)) continue;
        const outcome = await this.#renew(gun, role, failures + 1 >= FAILURES_IN_A_ROW);
        failures = outcome === 'failed' ? failures + 1 : 0;
        await wait(1000 / perSecond, signal);
        if (signal.aborted) return false;
      }
      after = page.at(-1);
      if (page.length < PAGE) return true;
      if (!(await this.#loop.mayGoOn(signal))) return false;
    }
  }

  async #renew(gun: Gun, role: OnlineRole, isLast: boolean): Promise<Renewal | 'failed'> {
    const { refresher, log, count } = this.#options;
    let outcome: Renewal | 'failed';
    try {
      outcome = await refresher.renew(gun, this.#due());
    } catch (error) {
      count?.(role, 'failed');
      if (isLast) throw error;
      log.error({ error, gun, role }, 'cannot be renewed now');
      this.#pause(gun, role, PAUSE.failed);
      return 'failed';
    }
    count?.(role, outcome);
    if (outcome === 'renewed') log.info({ gun, role }, 'renewed ahead of time');
    this.#pause(gun, role, PAUSE[outcome]);
    return outcome;
  }

  #due(): Due {
    const { clock, leads } = this.#options;
    const now = clock().getTime();
    return { timestamp: new Date(now + leads.timestamp), snapshot: new Date(now + leads.snapshot) };
  }

  #isPaused(gun: Gun, role: OnlineRole): boolean {
    return (this.#paused.get(`${gun} ${role}`) ?? 0) > this.#options.clock().getTime();
  }

  #pause(gun: Gun, role: OnlineRole, milliseconds: number): void {
    if (milliseconds === 0) return;
    const [oldest] = this.#paused.keys();
    if (this.#paused.size >= MAX_PAUSED && oldest !== undefined) this.#paused.delete(oldest);
    this.#paused.set(`${gun} ${role}`, this.#options.clock().getTime() + milliseconds);
  }
}
