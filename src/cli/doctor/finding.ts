// SPDX-License-Identifier: Apache-2.0
import type { Machine } from './machine.ts';

/**
 * `critical`: something runs unverified although somebody wanted it verified, or a key lies open. `warning`: it soon will, or
 * it depends on luck. `note`: worth knowing.
 */
export type Severity = 'critical' | 'warning' | 'note';

/** Something that is open on this machine. */
export interface Finding {
  /** Stable: scripts may rely on it. */
  readonly id: string;
  readonly severity: Severity;
  /** The file, server or program concerned. */
  readonly subject: string;
  /** What is wrong and what follows from it. */
  readonly message: string;
  /** What to do, in one sentence or one command. */
  readonly fix: string;
  /** Does it, where that is safe to do unasked-for details: only with `--fix`. */
  readonly mend?: () => void;
}

/** Looks at one part of a machine; what cannot be read is a finding, never a crash. */
export interface Check {
  readonly about: string;
  run(machine: Machine): Promise<readonly Finding[]> | readonly Finding[];
}
