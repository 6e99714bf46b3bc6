// SPDX-License-Identifier: Apache-2.0

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('nothing was measured');
  return (low + high) / 2;
}

/** Medians of two things measured in turns, A B A B, so that what else the machine does falls on both alike. */
export async function inTurns<T>(
  rounds: number,
  a: () => Promise<T> | T,
  b: () => Promise<T> | T,
): Promise<{ a: readonly T[]; b: readonly T[] }> {
  const results: { a: T[]; b: T[] } = { a: [], b: [] };
  for (let round = 0; round < rounds; round++) {
    results.a.push(await a());
    results.b.push(await b());
  }
  return results;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export interface Command {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
}

/** Milliseconds from the start of a process to its end. Throws if it fails, or prints something other than `expected`. */
export function timeProcess({ argv, env }: Command, expected: RegExp): number {
  const start = performance.now();
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { env, stdin: 'ignore' });
  const elapsed = performance.now() - start;
  if (exitCode !== 0 || !expected.test(stdout.toString())) {
    throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
  }
  return elapsed;
}
