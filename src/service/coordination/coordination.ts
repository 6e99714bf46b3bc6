// SPDX-License-Identifier: Apache-2.0

/** How far a consumer of the audit log has come, and how it fares with the entry after that. */
export interface Cursor {
  /** The ID of the last entry that is done with; 0 before the first. */
  readonly position: number;
  /** Failed attempts at the next entry. */
  readonly attempts: number;
  /** When the first of them failed. */
  readonly failingSince?: Date | undefined;
  /** Before this nobody tries again. */
  readonly retryAt?: Date | undefined;
}

/**
 * What replicas on one database agree on. A lease saves work and keeps order; it is no lock: with clocks that are apart,
 * or a process that stood still, two may hold it for a while. So whatever is done under one must bear being done twice.
 */
export interface Coordination {
  /** Takes or prolongs a lease; `false` when another holder has it until later than `now`. */
  acquire(lease: string, holder: string, milliseconds: number, now: Date): Promise<boolean>;
  /** Gives a lease back, if it is still this holder's. */
  release(lease: string, holder: string): Promise<void>;
  cursor(name: string): Promise<Cursor | undefined>;
  /**
   * Durable once it resolves. `false`, and nothing is changed, unless the cursor still stands at `from` (`undefined`: it
   * does not exist): a holder that was taken for dead moves nothing back.
   */
  moveCursor(name: string, from: number | undefined, to: Cursor): Promise<boolean>;
}

/** For a server that is alone and keeps nothing. */
export class MemoryCoordination implements Coordination {
  readonly #leases = new Map<string, { readonly holder: string; readonly until: number }>();
  readonly #cursors = new Map<string, Cursor>();

  async acquire(lease: string, holder: string, milliseconds: number, now: Date): Promise<boolean> {
    const held = this.#leases.get(lease);
    if (held !== undefined && held.holder !== holder && held.until > now.getTime()) return false;
    this.#leases.set(lease, { holder, until: now.getTime() + milliseconds });
    return true;
  }

  async release(lease: string, holder: string): Promise<void> {
    if (this.#leases.get(lease)?.holder === holder) this.#leases.delete(lease);
  }

  async cursor(name: string): Promise<Cursor | undefined> {
    return this.#cursors.get(name);
  }

  async moveCursor(name: string, from: number | undefined, to: Cursor): Promise<boolean> {
    if (this.#cursors.get(name)?.position !== from) return false;
    this.#cursors.set(name, to);
    return true;
  }
}
