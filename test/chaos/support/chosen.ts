// SPDX-License-Identifier: Apache-2.0
import { freshSeed } from '../../support/random.ts';

/** The seed of this run: `HALLMARK_CHAOS_SEED`, or a new one; printed, so that the run can be had again. */
export function chosenSeed(): number {
  const given = process.env.HALLMARK_CHAOS_SEED;
  const seed = given === undefined ? freshSeed() : Number(given);
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
