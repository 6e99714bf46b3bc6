// SPDX-License-Identifier: Apache-2.0
import type { Io } from '../io.ts';

/** `docker trust …` on any Docker version. */
export async function runDockerTrust(_argv: readonly string[], io: Io): Promise<number> {
  io.stderr.write('docker-trust: not built in\n');
  return 1;
}
