// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { COMMANDS, GROUPS, type TrustCommand } from './commands.ts';
import type { FlagValues } from './context.ts';
import { TrustCommandError } from './errors.ts';

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'run';
      readonly command: TrustCommand;
      readonly args: readonly string[];
      readonly options: FlagValues;
    };

const BAD_FLAG = 125;
const COLUMN = 12;

/** Reads the words after `trust`. @throws TrustCommandError in the words and with the exit codes of Docker */
export function parseCommandLine(words: readonly string[]): Invocation {
  const [first, second] = words;
  const group = first === undefined || isHelp(first) ? [] : [first];
  const command =
    COMMANDS.find(({ path }) => path.length === 1 && path[0] === first) ??
    COMMANDS.find(({ path }) => path.length === 2 && path[0] === first && path[1] === second);
  if (command !== undefined) return invocationOf(command, words.slice(command.path.length));
  if (!GROUPS.some(({ path }) => samePath(path, group))) throw unknownCommand(words.slice(0, 1));
  const next = words[group.length];
  if (next === undefined || isHelp(next)) return { kind: 'help', text: groupHelp(group) };
  if (next.startsWith('-')) throw badFlag(unknownFlag(next), `docker trust${group.map((word) => ` ${word}`).join('')}`);
  throw unknownCommand([...group, next]);
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}

function invocationOf(command: TrustCommand, words: readonly string[]): Invocation {
  const { flags, values, args, help } = readWords(command, words);
  if (help) return { kind: 'help', text: commandHelp(command) };
  checkCount(command, args.length);
  return { kind: 'run', command, args, options: { flags, values } };
}

function readWords(command: TrustCommand, words: readonly string[]) {
  const options = Object.entries(command.flags).map(([name, { short, value }]) => [
    name,
    { type: value ? ('string' as const) : ('boolean' as const), ...(short === undefined ? {} : { short }) },
  ]);
  const help = { help: { type: 'boolean' as const, short: 'h' } };
  const { tokens } = parseArgs({
    args: [...words],
    options: { ...Object.fromEntries(options), ...help },
    strict: false,
    tokens: true,
  });
  const found = { flags: new Set<string>(), values: new Map<string, string[]>(), args: [] as string[], help: false };
  for (const token of tokens) {
    if (token.kind === 'positional') found.args.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = command.flags[token.name];
    if (token.name === 'help') found.help = true;
    else if (flag === undefined) throw badFlag(unknownFlag(words[token.index] ?? token.rawName), calledAs(command));
    else if (!flag.value) setFlag(found.flags, command, token.name, token.value);
    else if (token.value === undefined) throw badFlag(`flag needs an argument: ${token.rawName}`, calledAs(command));
    else found.values.set(token.name, [...(found.values.get(token.name) ?? []), token.value]);
  }
  return found;
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** `--yes=false` is a way to write it too. */
function setFlag(flags: Set<string>, command: TrustCommand, name: string, value: string | undefined): void {
  if (value === undefined || TRUE.has(value)) flags.add(name);
  else if (FALSE.has(value)) flags.delete(name);
  else {
    const short = command.flags[name]?.short;
    const shown = `${short === undefined ? '' : `-${short}, `}--${name}`;
    const reason = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw badFlag(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${reason}`, calledAs(command));
  }
}

function unknownFlag(word: string): string {
  if (word.startsWith('--')) return `unknown flag: ${word.split('=', 1)[0]}`;
  return `unknown shorthand flag: '${word[1] ?? ''}' in ${word}`;
}

function calledAs({ path }: TrustCommand): string {
  return `docker trust ${path.join(' ')}`;
}

function usageOf(called: string): string {
  const command = COMMANDS.find((one) => calledAs(one) === called);
  return command === undefined ? called : `${called} ${command.usage}`;
}

function badFlag(problem: string, called: string): TrustCommandError {
  return usageError(problem, called, 'Run', BAD_FLAG);
}

function usageError(problem: string, called: string, verb: 'Run' | 'See', exitCode: number): TrustCommandError {
  const help = `${verb} '${called} --help' for more information`;
  return new TrustCommandError(`${problem}\n\nUsage:  ${usageOf(called)}\n\n${help}`, { exitCode });
}

function unknownCommand(path: readonly string[]): TrustCommandError {
  const parent = ['docker', 'trust', ...path.slice(0, -1)].join(' ');
  return usageError(`docker: unknown command: ${parent} ${path.at(-1)}`, parent, 'Run', 1);
}

function checkCount(command: TrustCommand, count: number): void {
  const called = calledAs(command);
  if ('exactly' in command.args) {
    if (count !== command.args.exactly)
      throw usageError(`docker: '${called}' requires ${arguments_(command.args.exactly)}`, called, 'Run', 1);
  } else if (count < command.args.atLeast) {
    throw usageError(`docker: '${called}' requires at least ${arguments_(command.args.atLeast)}`, called, 'See', 1);
  }
}

function arguments_(count: number): string {
  return count === 1 ? '1 argument' : `${count} arguments`;
}

function commandHelp(command: TrustCommand): string {
  return `Usage:  ${usageOf(calledAs(command))}\n\n${command.summary}\n\nOptions:\n${command.flagHelp}`;
}

function groupHelp(path: readonly string[]): string {
  const called = ['docker', 'trust', ...path].join(' ');
  const below = (entry: { path: readonly string[] }) =>
    entry.path.length === path.length + 1 && samePath(entry.path.slice(0, -1), path);
  const lines = (entries: readonly { path: readonly string[]; summary: string }[]) =>
    entries.map((entry) => `  ${(entry.path.at(-1) ?? '').padEnd(COLUMN)}${entry.summary}\n`).join('');
  const groups = lines(GROUPS.filter(below));
  const summary = GROUPS.find((group) => samePath(group.path, path))?.summary ?? '';
  return [
    `Usage:  ${called} COMMAND\n\n${summary}\n\n`,
    groups === '' ? '' : `Management Commands:\n${groups}\n`,
    `Commands:\n${lines(COMMANDS.filter(below))}\n`,
    `Run '${called} COMMAND --help' for more information on a command.\n`,
  ].join('');
}
