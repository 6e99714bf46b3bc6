// SPDX-License-Identifier: Apache-2.0

import type { Command } from './command.ts';
import type { Flag } from './command-line.ts';

const NAME_WIDTH = 11;
const TYPES: Readonly<Record<Flag['kind'], string>> = {
  bool: '',
  string: ' string',
  strings: ' strings',
  int: ' int',
  ints: ' ints',
};

/** How a command is used, laid out as the original lays it out. */
export function usageOf(path: readonly string[], command: Command, globalFlags: readonly Flag[]): string {
  const name = path.join(' ');
  const isRoot = path.length === 1;
  const own = [
    ...(command.flags ?? []),
    { name: 'help', short: 'h', kind: 'bool' as const, usage: `help for ${path.at(-1)}` },
  ];
  const sections = [
    [
      'Usage:',
      ...(command.commands === undefined ? [`  ${name} ${command.usage ?? ''}[flags]`] : []),
      ...(isRoot ? [`  ${name} [flags]`] : []),
      ...(command.commands === undefined ? [] : [`  ${name} [command]`]),
    ],
    command.commands === undefined
      ? []
      : [
          'Available Commands:',
          ...command.commands.map(({ name: sub, summary }) => `  ${sub.padEnd(NAME_WIDTH)} ${summary}`),
        ],
    ['Flags:', ...flagLines(isRoot ? [...own, ...globalFlags] : own)],
    isRoot ? [] : ['Global Flags:', ...flagLines(globalFlags)],
    command.commands === undefined ? [] : [`Use "${name} [command] --help" for more information about a command.`],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** What `--help` prints. */
export function helpOf(path: readonly string[], command: Command, globalFlags: readonly Flag[]): string {
  return `${command.description ?? command.summary}\n\n${usageOf(path, command, globalFlags)}`;
}

function flagLines(flags: readonly Flag[]): readonly string[] {
  const heads = [...flags]
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
    .map((flag) => ({
      head: `  ${flag.short === undefined ? '   ' : `-${flag.short},`} --${flag.name}${TYPES[flag.kind]}`,
      text: flag.default === undefined ? flag.usage : `${flag.usage} (default "${flag.default}")`,
    }));
  const width = Math.max(...heads.map(({ head }) => head.length));
  return heads.map(({ head, text }) => `${head.padEnd(width)}   ${text}`);
}
