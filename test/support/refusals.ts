// SPDX-License-Identifier: Apache-2.0
import { expect } from 'bun:test';

/** What a typed error of ours shows: enough to tell one refusal from another. */
export interface Refusal {
  readonly name?: string;
  readonly code?: string;
  readonly role?: string;
}

/** The error that `run` throws, which must have the given fields. */
export function refused(run: () => unknown, expected: Refusal): Error {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject(expected);
    expectPlainMessage(error);
    return error as Error;
  }
  throw new Error(`not refused, expected ${JSON.stringify(expected)}`);
}

/** The error that a promise rejects with, which must have the given fields. */
export async function rejected(promise: Promise<unknown>, expected: Refusal): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    expect(error).toMatchObject(expected);
    expectPlainMessage(error);
    return error as Error;
  }
  throw new Error(`not rejected, expected ${JSON.stringify(expected)}`);
}

/** Every message is one line, for a terminal. */
function expectPlainMessage(error: unknown): void {
  expect((error as Error).message).not.toMatch(/[\p{Cc}\p{Cf}]|\.$/u);
}

/**
 * The error that a promise rejects with, undefined if it does not. `expect(…).rejects` holds the event loop while it waits,
 * and what needs the network, a database or a process stands still meanwhile.
 */
export function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The error of this class that `work` ends with; any other goes on. */
export async function thrownBy<E extends Error>(
  kind: abstract new (...args: never[]) => E,
  work: () => unknown,
): Promise<E> {
  try {
    await work();
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error('it was done');
}
