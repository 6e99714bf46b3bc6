// SPDX-License-Identifier: Apache-2.0
import type { Io } from '../io.ts';
import type { Flag, FlagValues } from './command-line.ts';
import { NotaryUsageError } from './errors.ts';
import type { NotaryLog } from './log.ts';
import type { Settings } from './settings.ts';

/** What every command is handed. */
export interface Call {
  readonly io: Io;
  readonly args: readonly string[];
  readonly flags: FlagValues;
  readonly settings: Settings;
  readonly log: NotaryLog;
  /** Writes to standard output, where all output goes. */
  say(text: string): void;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly description?: string;
  /** The arguments, with a blank at the end: `[ GUN ] <target> `. */
  readonly usage?: string;
  readonly flags?: readonly Flag[];
  readonly commands?: readonly Command[];
  /** Loaded when it is called, so that a short command starts fast. */
  readonly run?: (call: Call) => Promise<void>;
}

export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'server', short: 's', kind: 'string', usage: 'address of the trust server' },
  { name: 'trustDir', short: 'd', kind: 'string', usage: 'directory of keys and trust data' },
  { name: 'configFile', short: 'c', kind: 'string', usage: 'configuration file' },
  { name: 'tlscacert', kind: 'string', usage: 'the one authority that is believed about the trust server' },
  { name: 'tlscert', kind: 'string', usage: 'certificate to show the trust server' },
  { name: 'tlskey', kind: 'string', usage: 'key of that certificate' },
  { name: 'verbose', short: 'v', kind: 'bool', usage: 'tell more' },
  { name: 'debug', short: 'D', kind: 'bool', usage: 'tell everything' },
];

export const PUBLISH: Flag = {
  name: 'publish',
  short: 'p',
  kind: 'bool',
  usage: 'publish at once, with everything else that is staged',
};

/** The arguments of a command, at least as many as named. @throws NotaryUsageError */
export function required(call: Call, least: number, message: string): readonly [string, ...string[]] {
  if (call.args.length < Math.max(least, 1)) throw new NotaryUsageError(message);
  return call.args as [string, ...string[]];
}
