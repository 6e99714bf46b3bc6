// SPDX-License-Identifier: Apache-2.0
import type { AuditLine, AuditSource } from './records.ts';

export interface FollowerOptions {
  /** How long a missing ID is waited for, in milliseconds. */
  readonly gapMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

const GAP_MS = 30_000;

/** Entries that are looked at ahead of a page, for their IDs alone. */
const AHEAD = 1000;

/** All IDs up to this one had been given out at this time: an entry that was given it, or a later one, could be seen. */
interface Mark {
  readonly id: number;
  readonly at: number;
}

/**
 * Reads an audit log onwards without passing over anything. A database gives out IDs before it commits, so that 6 may
 * become visible before 5 does; and the ID of a transaction that came to nothing is never seen. So where one is missing,
 * what comes after it is held back until it has itself been there for as long as a transaction may take. All wait at once,
 * since a database that counts in steps (Galera) leaves a gap before every entry.
 */
export class AuditFollower {
  readonly #source: AuditSource;
  readonly #gapMs: number;
  readonly #elapsed: () => number;
  /** Rising in both, one for each look at most; gone once they are as old as a gap is waited for. */
  #marks: readonly Mark[] = [];
  /** Up to this ID nothing can come any more. */
  #settled = 0;

  constructor(source: AuditSource, options: FollowerOptions = {}) {
    this.#source = source;
    this.#gapMs = options.gapMs ?? GAP_MS;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** The entries after `position` that no other can come before any more. */
  async next(position: number, limit: number): Promise<readonly AuditLine[]> {
    // before the look, so that whatever ended within its time is seen
    this.#settle();
    const lines = await this.#source.audit({ after: position, limit });
    let last = position;
    const end = lines.findIndex(({ id }) => {
      const isHeldBack = Number(id) > this.#settled && Number(id) !== last + 1;
      last = Number(id);
      return isHeldBack;
    });
    if (end === -1) return lines;
    await this.#mark(lines, limit);
    return lines.slice(0, end);
  }

  #settle(): void {
    const now = this.#elapsed();
    const young = this.#marks.findIndex(({ at }) => now - at < this.#gapMs);
    const old = young === -1 ? this.#marks : this.#marks.slice(0, young);
    this.#settled = old.at(-1)?.id ?? this.#settled;
    this.#marks = this.#marks.slice(old.length);
  }

  /** Remembers how far the log goes; further than the page, or else one page only would be let through after each wait. */
  async #mark(lines: readonly AuditLine[], limit: number): Promise<void> {
    const marked = this.#marks.at(-1)?.id ?? this.#settled;
    const seen = Math.max(marked, Number(lines.at(-1)?.id ?? 0));
    const ahead = lines.length < limit ? [] : await this.#source.audit({ after: seen, limit: AHEAD });
    const id = Number(ahead.at(-1)?.id ?? seen);
    if (id > marked) this.#marks = [...this.#marks, { id, at: this.#elapsed() }];
  }
}

const PAGE = 1000;
const MINUTE = 60_000;
/** A minute, an hour, a day, a month, and everything. */
const WINDOWS = [MINUTE, 60 * MINUTE, 1440 * MINUTE, 43_200 * MINUTE, Number.POSITIVE_INFINITY];

/** The ID of the newest entry, 0 if there is none: where somebody starts who wants to hear only what comes. */
export async function newestPosition(source: AuditSource, now: Date): Promise<number> {
  for (const window of WINDOWS) {
    const since = Number.isFinite(window) ? { since: new Date(now.getTime() - window) } : {};
    let lines = await source.audit({ ...since, limit: PAGE });
    if (lines.length === 0) continue;
    let last = Number(lines.at(-1)?.id);
    while (lines.length === PAGE) {
      lines = await source.audit({ after: last, limit: PAGE });
      last = Number(lines.at(-1)?.id ?? last);
    }
    return last;
  }
  return 0;
}
