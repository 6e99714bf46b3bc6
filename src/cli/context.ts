// SPDX-License-Identifier: Apache-2.0
import type { ImageReference } from '../registry/index.ts';
import type { Io } from './io.ts';
import type { Session } from './session.ts';
import type { GlobalOptions } from './settings.ts';

/** What every command is handed. */
export interface CommandContext {
  readonly io: Io;
  readonly globals: GlobalOptions;
  /** The repository that the command works on; errors are told about the last one opened. */
  open(reference: ImageReference): Session;
}
