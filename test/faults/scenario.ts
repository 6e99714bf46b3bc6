// SPDX-License-Identifier: Apache-2.0

/** Writes that must not do harm when one of them fails. Each function may run in a process of its own. */
export interface Scenario {
  readonly name: string;
  /** Makes the state before in an empty directory; nothing fails yet. */
  prepare(directory: string): Promise<void>;
  /** What is disturbed. It throws {@link Harm} where a promise is broken while it lasts. */
  act(directory: string): Promise<unknown>;
  /**
   * Throws where the state is neither that of before nor that of after, or where it cannot be gone on from.
   * @param ended how `act` came to its end
   */
  check(directory: string, ended: Ending): Promise<void>;
}

/** It said that all is done; it said that it failed; or its process was gone before it said anything. */
export type Ending = 'done' | 'failed' | 'killed';

export class Harm extends Error {
  override readonly name = 'Harm';
}

export function promised(condition: boolean, promise: string): void {
  if (!condition) throw new Harm(promise);
}
