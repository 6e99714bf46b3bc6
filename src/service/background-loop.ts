// SPDX-License-Identifier: Apache-2.0
import type { Log } from './log.ts';

/** Resolves after so many milliseconds, and at once when the signal is aborted. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

export interface LoopOptions {
  /** Names the loop in the log. */
  readonly name: string;
  readonly log: Log;
  readonly wait?: Wait;
  /** Between 0 and 1. */
  readonly random?: () => number;
}

export interface Loop {
  /** Resolves once the step under way has ended. */
  stop(): Promise<void>;
}

const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 300_000;

/**
 * Runs `step` again and again until it is stopped. A step says after how many milliseconds the next one comes; one that
 * throws is logged and tried again after a growing while. All whiles vary by a fifth, so that replicas do not keep step.
 */
export function startLoop(step: (signal: AbortSignal) => Promise<number>, options: LoopOptions): Loop {
  const { name, log, wait = waitFor, random = Math.random } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async () => {
    let failures = 0;
    while (!signal.aborted) {
      let pause: number;
      try {
        pause = await step(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        pause = backoff(failures);
        if (!signal.aborted) log.error({ error, loop: name, failures }, 'background work failed, it is tried again');
      }
      if (!signal.aborted) await wait(Math.round(pause * (0.9 + random() / 5)), signal);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** 1, 2, 4 … seconds, five minutes at most. */
export function backoff(failures: number, most = MAX_BACKOFF_MS): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 30), most);
}

export const waitFor: Wait = (ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
