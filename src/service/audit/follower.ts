// SPDX-License-Identifier: Apache-2.0
import type { AuditLine, AuditSource } from './records.ts';

export interface FollowerOptions {
  /** How long a missing ID is waited for, in milliseconds. */
  readonly gapMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

const GAP_MS = 30_000;

/**
 * Reads an audit log onwards without passing over anything. A database gives out IDs before it commits, so that 6 may
 * become visible before 5 does; and the ID of a transaction that came to nothing is never seen. So where one is missing,
 * what comes after it is held back for as long as a transaction may take.
 */
export class AuditFollower {
  readonly #source: AuditSource;
  readonly #gapMs: number;
  readonly #elapsed: () => number;
  /** What stands behind a gap: the ID, and when it was first seen there. */
  readonly #waiting = new Map<number, number>();

  constructor(source: AuditSource, options: FollowerOptions = {}) {
    this.#source = source;
    this.#gapMs = options.gapMs ?? GAP_MS;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /** The entries after `position` that no other can come before any more. */
  async next(position: number, limit: number): Promise<readonly AuditLine[]> {
    const lines = await this.#source.audit({ after: position, limit });
    const settled: AuditLine[] = [];
    let last = position;
    for (const line of lines) {
      const id = Number(line.id);
      if (id !== last + 1 && !this.#hasWaited(id)) break;
      this.#waiting.delete(id);
      settled.push(line);
      last = id;
    }
    return settled;
  }

  #hasWaited(id: number): boolean {
    const since = this.#waiting.get(id);
    if (since === undefined) {
      // only the first gap is looked at, so at most one of these is of use
      this.#waiting.clear();
      this.#waiting.set(id, this.#elapsed());
    }
    return since !== undefined && this.#elapsed() - since >= this.#gapMs;
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
