// SPDX-License-Identifier: Apache-2.0
import { Random } from '../support/random.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';

/** One reading may take this long, and hold this much more memory than before the run. */
/** Of the processor's time: on a busy machine the clock runs on while nothing is read. */
const MAX_MILLISECONDS = 2000;
const MAX_GROWTH_BYTES = 1.5 * 2 ** 30;
const POOL = 400;
/** Longer ones are not kept: hundreds of them for each target were more memory than any reader may hold. */
const POOLED_BYTES = 16 * 1024;
const MINIMIZING_STEPS = 300;

export interface Finding {
  readonly target: string;
  readonly what: string;
  readonly input: Uint8Array;
}

export interface FuzzReport {
  readonly executions: number;
  /** How many of them were read, not refused. */
  readonly accepted: number;
  readonly findings: readonly Finding[];
}

/** Feeds a target with what is made of its corpus. The same seed gives the same inputs, as long as nothing else changes. */
export class Fuzzer {
  readonly #target: FuzzTarget;
  readonly #random: Random;
  readonly #corpus: readonly Uint8Array[];
  /** Mutants that were read: from them on, deeper. */
  readonly #pool: Uint8Array[] = [];
  readonly #findings = new Map<string, Finding>();
  readonly #memory = process.memoryUsage().rss;
  #executions = 0;
  #accepted = 0;

  constructor(target: FuzzTarget, seed: number) {
    this.#target = target;
    this.#random = new Random(seed);
    this.#corpus = target.corpus();
  }

  get report(): FuzzReport {
    return { executions: this.#executions, accepted: this.#accepted, findings: [...this.#findings.values()] };
  }

  async run(executions: number): Promise<void> {
    for (let left = executions; left > 0; left--) {
      const from = this.#pool.length > 0 && this.#random.chance(0.3) ? this.#pool : this.#corpus;
      const input = mutate(this.#random.pick(from), this.#random, this.#corpus);
      await this.#try(input);
    }
  }

  /** The corpus itself must be read. */
  async runCorpus(): Promise<void> {
    for (const input of this.#corpus) await this.#try(input);
  }

  async #try(input: Uint8Array): Promise<void> {
    this.#executions++;
    const { fault, accepted } = await outcomeOf(this.#target, input);
    if (accepted) {
      this.#accepted++;
      this.#remember(input);
    }
    const grown = process.memoryUsage().rss - this.#memory > MAX_GROWTH_BYTES;
    const what = fault ?? (grown ? 'holds too much memory' : undefined);
    if (what === undefined || this.#findings.has(what)) return;
    this.#findings.set(what, { target: this.#target.name, what, input: await minimized(this.#target, input, what) });
  }

  #remember(input: Uint8Array): void {
    if (input.length > POOLED_BYTES) return;
    // a mutant may be a part of what it was made of, which would be held as long as it
    const own = input.slice();
    if (this.#pool.length < POOL) this.#pool.push(own);
    else this.#pool[this.#random.below(POOL)] = own;
  }
}

interface InputOutcome {
  /** What is wrong, without what differs from input to input. */
  readonly fault: string | undefined;
  readonly accepted: boolean;
}

/** What a target makes of one input. */
export async function outcomeOf(target: FuzzTarget, input: Uint8Array): Promise<InputOutcome> {
  const before = Buffer.from(input);
  const start = processorMilliseconds();
  let fault: string | undefined;
  let accepted = false;
  try {
    await target.read(input);
    accepted = true;
  } catch (error) {
    if (!target.refusals.some((refusal) => error instanceof refusal)) fault = faultOf(error);
  }
  if (fault === undefined && processorMilliseconds() - start > MAX_MILLISECONDS) fault = 'takes too long';
  if (fault === undefined && !before.equals(input)) fault = 'changes its input';
  if (Object.keys(Object.prototype).length > 0 || Object.keys(Array.prototype).length > 0)
    fault = 'pollutes a prototype';
  return { fault, accepted };
}

function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return `throws ${String(error)}`;
  const place = error.stack?.split('\n').find((line) => line.includes('/src/'));
  return `${error.name}: ${error.message.replaceAll(/\d+/g, 'N').slice(0, 120)}${place === undefined ? '' : ` ${place.trim().replace(/.*\/src\//, 'src/')}`}`;
}

/** A shorter input with the same fault: pieces are left out while it stays. */
async function minimized(target: FuzzTarget, input: Uint8Array, what: string): Promise<Uint8Array> {
  if (what === 'takes too long') return input;
  let best = input;
  let steps = 0;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && steps < MINIMIZING_STEPS; steps++) {
      const shorter = new Uint8Array(Buffer.concat([best.subarray(0, at), best.subarray(at + size)]));
      if ((await outcomeOf(target, shorter)).fault === what) best = shorter;
      else at += size;
    }
  }
  return best;
}
