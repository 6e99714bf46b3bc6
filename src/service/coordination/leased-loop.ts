// SPDX-License-Identifier: Apache-2.0
import { type Loop, type LoopOptions, startLoop } from '../background-loop.ts';
import type { Coordination } from './coordination.ts';

/** `name` is the loop's in the log, and that of its lease. */
export interface LeasedLoopOptions extends LoopOptions {
  readonly coordination: Coordination;
  /** Tells this process from the other replicas. */
  readonly holder: string;
  readonly clock: () => Date;
  /** Longer than the work takes between two questions whether it may go on. */
  readonly leaseMs: number;
}

/** Background work that one replica at a time does: every step asks whether it may go on, before it begins and as it goes. */
export class LeasedLoop {
  readonly #step: (signal: AbortSignal) => Promise<number>;
  readonly #options: LeasedLoopOptions;
  #loop: Loop | undefined;

  constructor(step: (signal: AbortSignal) => Promise<number>, options: LeasedLoopOptions) {
    this.#step = step;
    this.#options = options;
  }

  start(): void {
    this.#loop ??= startLoop(this.#step, this.#options);
  }

  /** Resolves once the step under way has ended; then another replica need not wait for the lease to run out. */
  async stop(): Promise<void> {
    if (this.#loop === undefined) return;
    const { coordination, name, holder } = this.#options;
    await this.#loop.stop();
    await coordination.release(name, holder).catch(() => {});
  }

  /** Takes or prolongs the lease; `false` when another replica has it, or this one is to stop. */
  async mayGoOn(signal: AbortSignal): Promise<boolean> {
    const { coordination, name, holder, leaseMs, clock } = this.#options;
    return !signal.aborted && (await coordination.acquire(name, holder, leaseMs, clock()));
  }
}
