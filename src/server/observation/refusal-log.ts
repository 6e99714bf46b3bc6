// SPDX-License-Identifier: Apache-2.0
import { clientNetwork, type Log, RateLimiter } from '../../service/index.ts';
import type { Gun } from '../../tuf/index.ts';
import type { AuditDetail, AuditEntry } from '../storage/index.ts';
import { actorOf } from './actor-now.ts';

export interface RefusalLogOptions {
  readonly record: (entry: AuditEntry) => Promise<void>;
  readonly clock: () => Date;
  readonly log: Log;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

/** Entries on the long run are 4 a minute from one client and 30 a minute from all: 40,000 a day at most. */
const PER_CLIENT = { perSecond: 4 / 60, burst: 20 };
const IN_ALL = { perSecond: 0.5, burst: 200 };

/**
 * Records refused changes in the audit log. Whoever is refused chooses how often: so there is a bound to what is recorded,
 * and the next entry says how many were not. Nobody waits for it, and what cannot be recorded is in the service's log.
 */
export class RefusalLog {
  readonly #options: RefusalLogOptions;
  readonly #perClient: RateLimiter;
  readonly #inAll: RateLimiter;
  readonly #underWay = new Set<Promise<void>>();
  #suppressed = 0;

  constructor(options: RefusalLogOptions) {
    this.#options = options;
    this.#perClient = new RateLimiter(PER_CLIENT, options.elapsed);
    this.#inAll = new RateLimiter(IN_ALL, options.elapsed);
  }

  /** Records it as done by whoever sent the request. */
  refused(request: Request, gun: Gun | undefined, detail: AuditDetail): void {
    const actor = actorOf(request);
    if (this.#perClient.take(clientNetwork(actor.address ?? '')) > 0 || this.#inAll.take('') > 0) {
      this.#suppressed += 1;
      return;
    }
    const suppressed = this.#suppressed === 0 ? {} : { suppressed: this.#suppressed };
    this.#suppressed = 0;
    const { clock, log, record } = this.#options;
    const about = gun === undefined ? {} : { gun };
    const recording = record({ at: clock(), actor, action: 'refused', ...about, detail: { ...detail, ...suppressed } })
      .catch((error) => log.error({ error }, 'a refusal could not be recorded'))
      .finally(() => this.#underWay.delete(recording));
    this.#underWay.add(recording);
  }

  /** Resolves once everything is recorded. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
