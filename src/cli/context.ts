// SPDX-License-Identifier: Apache-2.0
import type { ImageReference } from '../registry/index.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import type { Session } from './session.ts';
import type { GlobalOptions } from './settings.ts';
import type { TrustView } from './trust-view.ts';

/** What every command is handed. */
export interface CommandContext {
  readonly io: Io;
  readonly globals: GlobalOptions;
  /** The repository that the command looks at; errors are told about the last one opened. */
  view(reference: ImageReference): TrustView;
  /** The repository that the command changes. */
  open(reference: ImageReference): Session;
}

/** Runs a command line of this program within it. */
export type Run = (argv: readonly string[], io: Io) => Promise<ExitCode>;
