// SPDX-License-Identifier: Apache-2.0
import { type Coordination, LeasedLoop } from '../../service/coordination/index.ts';
import type { Log, Wait } from '../../service/index.ts';
import type { ServiceKeys } from '../../signing/service-keys/index.ts';
import { ROOT, SNAPSHOT, TARGETS, TIMESTAMP } from '../../tuf/index.ts';
import { SERVER_ITSELF } from '../actor.ts';
import { decodeStored } from '../current-view.ts';
import { heldKeys } from '../online-keys.ts';
import type { ExpiringFile, MetadataStorage } from '../storage/index.ts';
import { FAILURES_IN_A_ROW } from './renewer.ts';

/** The roles whose expiry is measured: a delegation's name is for its publisher to choose (S23). */
export const HORIZON_ROLES = [ROOT, TARGETS, SNAPSHOT, TIMESTAMP] as const;

export interface ExpiryNoticesOptions {
  readonly storage: Pick<MetadataStorage, 'expiring' | 'latest' | 'audit' | 'recordAudit'>;
  /** Tell what the server signs itself: then there is nobody to tell. */
  readonly keys: Pick<ServiceKeys, 'info'>;
  readonly coordination: Coordination;
  readonly holder: string;
  readonly clock: () => Date;
  readonly log: Log;
  /** How long before something expires its publisher is told, in milliseconds. */
  readonly lead: number;
  readonly everyMs?: number;
  readonly wait?: Wait;
}

const EVERY_MS = 3_600_000;
const PAGE = 100;
const LEASE_MS = 120_000;
const MAX_KNOWN = 100_000;

/**
 * Records in the audit log, once for each version, that a file which only its publisher can sign is about to expire: so
 * that webhooks tell of it. And knows when the next file of each role expires.
 */
export class ExpiryNotices {
  readonly #loop: LeasedLoop;
  readonly #options: ExpiryNoticesOptions;
  readonly #known = new Set<string>();
  /** Whose snapshot could not be judged in the last round. */
  #failed = new Set<string>();
  readonly #horizon = new Map<string, Date>();

  constructor(options: ExpiryNoticesOptions) {
    this.#options = options;
    this.#loop = new LeasedLoop((signal) => this.step(signal), {
      ...options,
      name: 'expiry notices',
      leaseMs: LEASE_MS,
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Seconds until the next file of this role expires; `undefined` if there is none, or nobody has looked yet. */
  horizon(role: (typeof HORIZON_ROLES)[number]): number | undefined {
    const next = this.#horizon.get(role);
    return next && (next.getTime() - this.#options.clock().getTime()) / 1000;
  }

  /** Looks through what expires soon, and says after how many milliseconds to look again. */
  async step(signal: AbortSignal): Promise<number> {
    const { everyMs = EVERY_MS, lead, clock, storage } = this.#options;
    await this.#lookAhead();
    if (!(await this.#loop.mayGoOn(signal))) return everyMs;
    const before = new Date(clock().getTime() + lead);
    // what has expired already is no news
    const query = { from: clock(), before, limit: PAGE };
    let page = await storage.expiring(query);
    // damaged ones that stand together must not keep the others waiting for good
    const leftOut = this.#failed;
    this.#failed = new Set();
    let failures = 0;
    for (;;) {
      for (const file of page) failures = await this.#considered(file, failures, leftOut);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE || !(await this.#loop.mayGoOn(signal))) return everyMs;
      page = await storage.expiring({ ...query, after: last });
    }
  }

  async #lookAhead(): Promise<void> {
    const { clock, storage } = this.#options;
    for (const role of HORIZON_ROLES) {
      const [next] = await storage.expiring({ role, from: clock(), before: END_OF_TIME, limit: 1 });
      if (next === undefined) this.#horizon.delete(role);
      else this.#horizon.set(role, next.expires);
    }
  }

  /** How many snapshots in a row could not be judged: once it is no single one's fault, the others wait for the next round. */
  async #considered(file: ExpiringFile, failures: number, leftOut: ReadonlySet<string>): Promise<number> {
    const { gun, role } = file;
    if (role === SNAPSHOT && (failures >= FAILURES_IN_A_ROW || leftOut.has(gun))) return failures;
    try {
      await this.#consider(file);
      return role === SNAPSHOT ? 0 : failures;
    } catch (error) {
      // of a snapshot keys and root say whose it is, and one may be damaged; else it is storage that fails
      if (role !== SNAPSHOT) throw error;
      this.#failed.add(gun);
      this.#options.log.error({ error, gun, role }, 'whether its publisher has to be told cannot be found out now');
      return failures + 1;
    }
  }

  async #consider(file: ExpiringFile): Promise<void> {
    const { storage, clock, log } = this.#options;
    const { gun, role, version, expires } = file;
    const key = `${gun} ${role} ${version}`;
    if (role === TIMESTAMP || this.#known.has(key)) return;
    // another program may have deleted it, or stored a newer one
    if ((await storage.latest(gun, role))?.version !== version || (await this.#isOurs(file))) return;
    const [oldest] = this.#known;
    if (this.#known.size >= MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    if (!(await this.#isRecorded(file))) {
      const detail = { role, version, expires: expires.toISOString() };
      await storage.recordAudit({ at: clock(), actor: SERVER_ITSELF, action: 'expiring', gun, detail });
      log.info({ gun, role, version, expires }, 'expires soon, and only its publisher can sign it');
    }
    this.#known.add(key);
  }

  async #isOurs({ gun, role }: ExpiringFile): Promise<boolean> {
    const { storage, keys } = this.#options;
    if (role !== SNAPSHOT) return false;
    const root = await storage.latest(gun, ROOT);
    return root !== undefined && (await heldKeys(keys, gun, SNAPSHOT, decodeStored('root', root))).size > 0;
  }

  /** Also by another replica, or before a restart. */
  async #isRecorded({ gun, role, version, expires }: ExpiringFile): Promise<boolean> {
    const { storage, lead } = this.#options;
    const since = new Date(expires.getTime() - 2 * lead);
    let after = 0;
    for (;;) {
      const page = await storage.audit({ gun, actor: SERVER_ITSELF.name, since, after, limit: 1000 });
      const found = page.some(
        ({ action, detail }) => action === 'expiring' && detail.role === role && detail.version === version,
      );
      if (found || page.length < 1000) return found;
      after = Number(page.at(-1)?.id);
    }
  }
}

const END_OF_TIME = new Date('9999-01-01T00:00:00Z');
