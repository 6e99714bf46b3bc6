// SPDX-License-Identifier: Apache-2.0
import type { ReadStream } from 'node:tty';

/** A stream that a command writes to. */
export interface Output {
  /** Text, or bytes as they are. */
  write(content: string | Uint8Array): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

/** Everything of the outside that a command may touch; the entry hands in the real ones. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory; the process's own unless given. */
  readonly cwd?: string;
  readonly stdin: ReadStream | NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Output;
  now(): Date;
  /** Resolves when the user or the system asks the program to end. */
  untilStopped(): Promise<void>;
  /** Calls `listener` whenever the system sends the signal; absent where there are none. */
  onSignal?(signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void): void;
}
