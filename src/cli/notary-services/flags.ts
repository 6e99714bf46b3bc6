// SPDX-License-Identifier: Apache-2.0

/** What the originals' command lines may say. */
export interface ServiceFlags {
  readonly config: string;
  readonly bootstrap: boolean;
  readonly debug: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

/** A command line that the originals end with 2 for. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

const TEXTS = ['config', 'logf'];
const SWITCHES = ['bootstrap', 'debug', 'version', 'help', 'h'];
const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/**
 * Reads a line as Go's `flag` package does: one dash or two, `-name value` or `-name=value` for texts, `-name` or
 * `-name=false` for switches; what is no flag, and what comes behind `--`, is left alone.
 * @throws FlagError
 */
export function parseServiceFlags(argv: readonly string[]): ServiceFlags {
  const texts = new Map<string, string>();
  const switches = new Map<string, boolean>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, , value] = /^--?([^-=][^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
    if (name === undefined) {
      if (word.startsWith('-') && word !== '-' && word !== '--') throw new FlagError(`bad flag syntax: ${word}`);
      break;
    }
    if (TEXTS.includes(name)) texts.set(name, value ?? needed(rest.shift(), name));
    else if (SWITCHES.includes(name)) switches.set(name, switchOf(name, value));
    else throw new FlagError(`flag provided but not defined: -${name}`);
  }
  const isOn = (name: string) => switches.get(name) ?? false;
  return {
    config: texts.get('config') ?? '',
    bootstrap: isOn('bootstrap'),
    debug: isOn('debug'),
    version: isOn('version'),
    help: isOn('help') || isOn('h'),
  };
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new FlagError(`flag needs an argument: -${name}`);
  return value;
}

function switchOf(name: string, value = 'true'): boolean {
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  throw new FlagError(`invalid boolean value ${JSON.stringify(value)} for -${name}: parse error`);
}
