// SPDX-License-Identifier: Apache-2.0
import type { Io } from '../io.ts';

/** The `notary` command of Notary 0.7. */
export async function runNotary(_argv: readonly string[], io: Io): Promise<number> {
  io.stderr.write('notary: not built in\n');
  return 1;
}
