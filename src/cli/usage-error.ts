// SPDX-License-Identifier: Apache-2.0
import type { ExitCode } from './exit-codes.ts';

/** A command line that cannot be carried out as it stands. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Several things were asked, and some failed; what each was is told already. */
export class PartialFailure extends Error {
  override readonly name = 'PartialFailure';
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}
