// SPDX-License-Identifier: Apache-2.0
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';

export type RunCommand = (argv: readonly string[], io: Io) => Promise<ExitCode>;

/** A command line that was run for real, and how it ended. */
export interface CapturedRun {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams as a terminal would have shown them. */
  readonly transcript: string;
}

/** Runs a command of this program within this process, in the place of a person with that environment. */
export async function runCaptured(
  run: RunCommand,
  argv: readonly string[],
  io: Io,
  changes: Partial<Pick<Io, 'env' | 'now'>>,
): Promise<CapturedRun> {
  const seen = { stdout: '', stderr: '', transcript: '' };
  const capture = (key: 'stdout' | 'stderr') => ({
    write: (content: string | Uint8Array) => {
      const text = typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
      seen[key] += text;
      seen.transcript += text;
    },
    isTerminal: false,
    columns: 120,
  });
  const exitCode = await run(argv, { ...io, ...changes, stdout: capture('stdout'), stderr: capture('stderr') });
  return { exitCode, ...seen };
}
