// SPDX-License-Identifier: Apache-2.0
import { AuditFollower, type AuditSource, type FollowerOptions, newestPosition } from '../audit/index.ts';
import { backoff, type Wait } from '../background-loop.ts';
import { type Coordination, type Cursor, LeasedLoop } from '../coordination/index.ts';
import type { Log } from '../log.ts';
import { type Delivery, deliver, type WebhookEndpoint } from './deliver.ts';
import { eventsOf, type WebhookEvent } from './events.ts';

export interface WebhookOptions extends FollowerOptions {
  readonly endpoints: readonly WebhookEndpoint[];
  readonly source: AuditSource;
  readonly coordination: Coordination;
  /** Tells this process from the other replicas. */
  readonly holder: string;
  readonly clock: () => Date;
  readonly log: Log;
  /** Hears of every attempt; `endpoint` is a name of the configuration. */
  readonly count?: (endpoint: string, outcome: 'delivered' | 'failed' | 'given-up') => void;
  /** How long an endpoint may fail before a message is given up, in milliseconds. */
  readonly giveUpMs?: number;
  readonly wait?: Wait;
  readonly random?: () => number;
}

const BATCH = 50;
const POLL_MS = 2000;
/** Longer than one delivery may take. */
const LEASE_MS = 60_000;
const GIVE_UP_MS = 3 * 86_400_000;
/** A refusal may be a mistake on the other side that somebody mends. */
const REFUSED_ATTEMPTS = 10;
const MAX_BACKOFF_MS = 600_000;

/**
 * Tells endpoints what happened, at least once and in the order of the audit log. How far each has come is kept in the
 * database, so restarts lose nothing; one replica at a time delivers to an endpoint. An endpoint that fails holds up
 * nobody but itself.
 */
export class Webhooks {
  readonly #options: WebhookOptions;
  readonly #followers = new Map<string, AuditFollower>();
  readonly #loops = new Map<string, LeasedLoop>();

  constructor(options: WebhookOptions) {
    this.#options = options;
    for (const endpoint of options.endpoints) {
      const loop = { ...options, name: cursorName(endpoint.name), leaseMs: LEASE_MS };
      this.#followers.set(endpoint.name, new AuditFollower(options.source, options));
      this.#loops.set(endpoint.name, new LeasedLoop((signal) => this.step(endpoint, signal), loop));
    }
  }

  start(): void {
    for (const loop of this.#loops.values()) loop.start();
  }

  /** Cuts off what is being sent: it is sent again. */
  async stop(): Promise<void> {
    await Promise.all([...this.#loops.values()].map((loop) => loop.stop()));
  }

  /** Delivers what there is for an endpoint, and says after how many milliseconds to look again. */
  async step(endpoint: WebhookEndpoint, signal: AbortSignal): Promise<number> {
    const { coordination, clock } = this.#options;
    const key = cursorName(endpoint.name);
    const loop = this.#loops.get(endpoint.name);
    if (!(await loop?.mayGoOn(signal))) return POLL_MS;
    let cursor = (await coordination.cursor(key)) ?? (await this.#begin(key));
    const pause = (cursor.retryAt?.getTime() ?? 0) - clock().getTime();
    if (pause > 0) return Math.min(pause, POLL_MS);
    const lines = (await this.#followers.get(endpoint.name)?.next(cursor.position, BATCH)) ?? [];
    for (const line of lines) {
      const events = eventsOf(line).filter(({ type }) => endpoint.events?.includes(type) ?? true);
      // what gives rise to nothing is passed over without a write for each
      if (events.length === 0 && line !== lines.at(-1)) continue;
      if (!(await loop?.mayGoOn(signal))) return POLL_MS;
      const moved = await this.#deliverAll(endpoint, events, { ...cursor, position: Number(line.id) }, signal);
      if (moved === undefined) return POLL_MS;
      const next = moved.retryAt === undefined ? moved : { ...moved, position: cursor.position };
      if (!(await coordination.moveCursor(key, cursor.position, next))) return POLL_MS;
      if (next.retryAt !== undefined) return Math.min(next.retryAt.getTime() - clock().getTime(), POLL_MS);
      cursor = next;
    }
    return lines.length === BATCH ? 0 : POLL_MS;
  }

  /** An endpoint that is new hears of what comes, not of the past. */
  async #begin(key: string): Promise<Cursor> {
    const { coordination, source, clock } = this.#options;
    const cursor: Cursor = { position: await newestPosition(source, clock()), attempts: 0 };
    await coordination.moveCursor(key, undefined, cursor);
    return (await coordination.cursor(key)) ?? cursor;
  }

  /** Where the cursor stands after them; `undefined` when they were cut off. */
  async #deliverAll(
    endpoint: WebhookEndpoint,
    events: readonly WebhookEvent[],
    cursor: Cursor,
    signal: AbortSignal,
  ): Promise<Cursor | undefined> {
    const { clock, count, log } = this.#options;
    for (const event of events) {
      const delivery = await deliver(endpoint, event, clock(), signal);
      if (delivery.outcome === 'delivered') {
        count?.(endpoint.name, 'delivered');
        continue;
      }
      if (signal.aborted) return undefined;
      const failed = this.#failed(cursor, delivery);
      if (failed !== undefined) {
        count?.(endpoint.name, 'failed');
        this.#report(endpoint, event, delivery, failed);
        return failed;
      }
      count?.(endpoint.name, 'given-up');
      log.error({ endpoint: endpoint.name, event: event.id, reason: delivery.reason }, 'webhook message given up');
    }
    return { position: cursor.position, attempts: 0 };
  }

  /** When to try again; `undefined` when it has been tried for long enough. */
  #failed(cursor: Cursor, delivery: Exclude<Delivery, { outcome: 'delivered' }>): Cursor | undefined {
    const { clock, giveUpMs = GIVE_UP_MS, random = Math.random } = this.#options;
    const now = clock();
    const attempts = cursor.attempts + 1;
    const failingSince = cursor.failingSince ?? now;
    if (now.getTime() - failingSince.getTime() >= giveUpMs) return undefined;
    if (delivery.outcome === 'refused' && attempts >= REFUSED_ATTEMPTS) return undefined;
    // spread over half of the while, so that endpoints that came back together are not called together
    const spread = backoff(attempts, MAX_BACKOFF_MS) * (0.5 + random() / 2);
    const pause = Math.min(Math.max(spread, delivery.retryAfterMs ?? 0), MAX_BACKOFF_MS);
    return { position: cursor.position, attempts, failingSince, retryAt: new Date(now.getTime() + pause) };
  }

  #report(
    endpoint: WebhookEndpoint,
    event: WebhookEvent,
    { reason }: Exclude<Delivery, { outcome: 'delivered' }>,
    { attempts, retryAt }: Cursor,
  ): void {
    const fields = { endpoint: endpoint.name, event: event.id, reason, attempts, retryAt: retryAt?.toISOString() };
    this.#options.log.warn(fields, 'webhook failed, it is tried again');
  }
}

function cursorName(name: string): string {
  return `webhook ${name}`.slice(0, 255);
}
