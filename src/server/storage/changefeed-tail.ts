// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import type { Change, MetadataStorage } from './metadata-storage.ts';

export interface ChangefeedTailOptions {
  /** Called for every change that this replica had not seen, its own included, before `caughtUp` resolves. */
  readonly onChange: (change: Change) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

/** Changes asked for at once. */
const PAGE = 1000;
/**
 * How long an ID may be missing below one that was seen. A database gives out IDs before the transaction commits, so a
 * lower one may become visible later; one that is missing for longer than any commit lasts was rolled back.
 */
const GAP_MS = 30_000;

/** Callers of one question that make it worth waiting for more, and for how many turns of the event loop. */
const BUSY = 4;
const BUSY_TURNS = 5;

/**
 * What other replicas wrote, read off the changefeed. A client that was shown a new timestamp by one replica and an older
 * one by the next would rightly take it for a rollback (S17); so a replica asks, before it answers from memory, whether
 * anything was written meanwhile. All requests that wait share one question: at most one is under way, however many ask.
 */
export class ChangefeedTail {
  readonly #storage: Pick<MetadataStorage, 'changes' | 'lastChange'>;
  readonly #options: ChangefeedTailOptions;
  readonly #elapsed: () => number;
  /** Every ID up to here was seen, or is given up. */
  #floor: number | undefined;
  /** IDs above the floor that were seen. */
  readonly #seen = new Set<number>();
  /** Since when the ID after the floor is missing. */
  #gapSince: number | undefined;
  /** Callers of the next question so far. */
  #waiting = 0;
  #isBusy = false;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(storage: Pick<MetadataStorage, 'changes' | 'lastChange'>, options: ChangefeedTailOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** Resolves once every change that was committed before the call has been handed on; rejects as storage does. */
  caughtUp(): Promise<void> {
    this.#waiting++;
    // a question under way may have been asked before a write that this caller has to see
    this.#next ??= (this.#running ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#gathered())
      .then(() => {
        this.#next = undefined;
        const running = this.#read().finally(() => {
          if (this.#running === running) this.#running = undefined;
        });
        this.#running = running;
        return running;
      });
    return this.#next;
  }

  /**
   * Whoever comes in the same turn of the event loop shares the question. Where many do, those who were just answered will ask again
   * within a few turns: to wait for them costs microseconds, and each question less is worth dozens of them.
   */
  async #gathered(): Promise<void> {
    for (let turns = this.#isBusy ? BUSY_TURNS : 1; turns > 0; turns--) await turn();
    this.#isBusy = this.#waiting >= BUSY;
    this.#waiting = 0;
  }

  async #read(): Promise<void> {
    if (this.#floor === undefined) return this.#begin();
    // the usual answer: nothing is missing below the floor, and nothing is above it
    if (this.#seen.size === 0 && (await this.#storage.lastChange()) === this.#floor) return;
    for (let bound = this.#floor, more = true; more; ) {
      const changes = await this.#storage.changes({ from: 'oldest', bound, limit: PAGE });
      for (const change of changes) this.#take(change);
      bound = Number(changes.at(-1)?.id ?? bound);
      more = changes.length === PAGE;
    }
    this.#raiseFloor();
  }

  /** Nothing was answered from memory yet, so what has happened until now needs no handing on. */
  async #begin(): Promise<void> {
    const changes = await this.#storage.changes({ from: 'newest', limit: PAGE });
    this.#floor = Number(changes[0]?.id ?? 1) - 1;
    for (const { id } of changes) this.#seen.add(Number(id));
    this.#raiseFloor();
  }

  #take(change: Change): void {
    const id = Number(change.id);
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    this.#options.onChange(change);
  }

  #raiseFloor(): void {
    const before = this.#floor;
    this.#passSeen();
    if (this.#seen.size === 0 || this.#floor !== before) this.#gapSince = undefined;
    if (this.#seen.size === 0) return;
    this.#gapSince ??= this.#elapsed();
    if (this.#elapsed() - this.#gapSince < GAP_MS) return;
    this.#floor = Math.min(...this.#seen) - 1;
    this.#gapSince = undefined;
    this.#passSeen();
  }

  #passSeen(): void {
    let floor = this.#floor ?? 0;
    while (this.#seen.delete(floor + 1)) floor++;
    this.#floor = floor;
  }
}
