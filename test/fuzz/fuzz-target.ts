// SPDX-License-Identifier: Apache-2.0

/** One reader of bytes that others give us. */
export interface FuzzTarget {
  readonly name: string;
  /** Sound inputs, from which others are made. */
  readonly corpus: () => readonly Uint8Array[];
  /** The errors by which it may refuse; any other is a finding. */
  readonly refusals: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /** Reads the input, and holds what came out against it. @throws Broken if it does not fit */
  readonly read: (input: Uint8Array) => unknown;
}

/** What was read is not what was written: a finding. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function holds(condition: boolean, promise: string): void {
  if (!condition) throw new Broken(promise);
}
