// SPDX-License-Identifier: Apache-2.0
import { test } from 'bun:test';

/** What the current test did and saw, and the logs of the services behind it: shown when the test fails. */
const steps: string[] = [];
const logs = new Map<string, { read: () => string; from: number }>();

const SHOWN_LOG_CHARACTERS = 4000;

/** Notes one step of the running test: a command and its outcome, a terminal's transcript. */
export function note(step: string): void {
  steps.push(step);
}

/** Shows under `name` what `read()` has gained during a test when that test fails, until `forgetLog`. */
export function showLogOnFailure(name: string, read: () => string): void {
  logs.set(name, { read, from: 0 });
}

export function forgetLog(name: string): void {
  logs.delete(name);
}

function begin(): void {
  steps.length = 0;
  for (const log of logs.values()) log.from = log.read().length;
}

/** Everything known about the running test, as text. */
function journal(): string {
  const services = [...logs].map(
    ([name, { read, from }]) => `--- log of ${name}\n${read().slice(from).slice(-SHOWN_LOG_CHARACTERS)}`,
  );
  return [...steps, ...services].join('\n');
}

/** A test whose steps and logs are written out when it fails. */
export function promise(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    begin();
    try {
      await body();
    } catch (error) {
      process.stderr.write(`\n=== what happened in: ${name}\n${journal()}\n=== end\n`);
      throw error;
    }
  });
}
