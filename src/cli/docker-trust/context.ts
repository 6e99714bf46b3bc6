// SPDX-License-Identifier: Apache-2.0
import type { ImageReference } from '../../registry/index.ts';
import type { Io } from '../io.ts';
import type { Session } from '../session.ts';
import type { Questions } from './questions.ts';

/** A repository that a command was told to work on. */
export interface Opened {
  readonly reference: ImageReference;
  readonly session: Session;
}

/** What every command is handed. */
export interface TrustContext {
  readonly io: Io;
  readonly questions: Questions;
  /** Reads a reference and opens its repository; errors are told about the last one opened. @throws InvalidReferenceError */
  open(text: string): Opened;
}

/** The values of a command's flags, by their long names. */
export interface FlagValues {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** What a command does; it ends well or throws. */
export type TrustCommandAction = (context: TrustContext, args: readonly string[], options: FlagValues) => Promise<void>;
