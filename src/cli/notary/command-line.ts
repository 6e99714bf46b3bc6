// SPDX-License-Identifier: Apache-2.0
import { NotaryError } from './errors.ts';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** `strings` and `ints` may be repeated, and hold several values with commas between them. */
  readonly kind: 'bool' | 'string' | 'strings' | 'int' | 'ints';
  readonly usage: string;
  readonly default?: string;
}

/** The flags that were given, by name. */
export class FlagValues {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  isGiven(name: string): boolean {
    return this.#values.has(name);
  }

  /** A switch, off unless given. */
  isOn(name: string): boolean {
    return this.#values.get(name)?.at(-1) === 'true';
  }

  /** The last value given; undefined if none is, or an empty one. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1) || undefined;
  }

  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  numbers(name: string): readonly number[] {
    return this.texts(name).map(Number);
  }
}

export interface ParsedLine {
  readonly args: readonly string[];
  readonly flags: FlagValues;
  readonly isHelpAsked: boolean;
}

const HELP: Flag = { name: 'help', short: 'h', kind: 'bool', usage: '' };
const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/**
 * Reads a command's words as POSIX and GNU have them: flags before, between and after arguments, `--name value`,
 * `--name=value`, `-nvalue`, joined short switches, `--` before arguments that begin with a dash.
 * @throws NotaryError
 */
export function parseFlags(words: readonly string[], known: readonly Flag[]): ParsedLine {
  const flags = [...known, HELP];
  const values = new Map<string, string[]>();
  const args: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      args.push(...rest.splice(0));
    } else if (word.startsWith('--')) {
      readLong(word, flags, rest, values);
    } else if (word.startsWith('-') && word !== '-') {
      readShorts(word, flags, rest, values);
    } else {
      args.push(word);
    }
  }
  const parsed = new FlagValues(values);
  return { args, flags: parsed, isHelpAsked: parsed.isOn('help') };
}

function readLong(word: string, flags: readonly Flag[], rest: string[], values: Map<string, string[]>): void {
  const [, name = '', , value] = /^--([^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
  const flag = flags.find((candidate) => candidate.name === name);
  if (flag === undefined) throw new NotaryError(`unknown flag: --${name}`);
  store(flag, value ?? (flag.kind === 'bool' ? 'true' : next(rest, `--${name}`)), `--${name}`, values);
}

function readShorts(word: string, flags: readonly Flag[], rest: string[], values: Map<string, string[]>): void {
  for (let at = 1; at < word.length; at++) {
    const short = word.charAt(at);
    const flag = flags.find((candidate) => candidate.short === short);
    if (flag === undefined) throw new NotaryError(`unknown shorthand flag: '${short}' in ${word}`);
    const attached = word.slice(at + 1).replace(/^=/, '');
    if (flag.kind === 'bool') {
      store(flag, 'true', `-${short}`, values);
      continue;
    }
    store(flag, attached === '' ? next(rest, `'${short}' in ${word}`) : attached, `-${short}`, values);
    return;
  }
}

function next(rest: string[], flag: string): string {
  const value = rest.shift();
  if (value === undefined) throw new NotaryError(`flag needs an argument: ${flag}`);
  return value;
}

function store({ name, kind }: Flag, value: string, spelled: string, values: Map<string, string[]>): void {
  const isList = kind === 'strings' || kind === 'ints';
  const parts = isList ? (value === '' ? [] : value.split(',')) : [value];
  const invalid = new NotaryError(`invalid argument ${JSON.stringify(value)} for ${spelled}`);
  if (kind === 'bool' && !TRUE.includes(value) && !FALSE.includes(value)) throw invalid;
  if ((kind === 'int' || kind === 'ints') && !parts.every((part) => /^-?\d{1,9}$/.test(part.trim()))) throw invalid;
  const stored = kind === 'bool' ? [String(TRUE.includes(value))] : parts;
  values.set(name, isList ? [...(values.get(name) ?? []), ...stored] : stored);
}
