// SPDX-License-Identifier: Apache-2.0

/** Random choices that a printed seed repeats, as far as the machine's own timing lets them. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.between(0, from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

/** The seed of this run: `HALLMARK_CHAOS_SEED`, or a new one; printed, so that the run can be had again. */
export function chosenSeed(): number {
  const given = process.env.HALLMARK_CHAOS_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error('HALLMARK_CHAOS_SEED must be a whole number');
  process.stderr.write(`chaos: HALLMARK_CHAOS_SEED=${seed}\n`);
  return seed;
}

/** A count that the environment may change: CI takes the default, a long night more. */
export function chosenCount(variable: string, usual: number): number {
  const count = Number(process.env[variable] ?? usual);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`${variable} must be a whole number above zero`);
  return count;
}
