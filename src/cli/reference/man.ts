// SPDX-License-Identifier: Apache-2.0
import { type CommandModel, callable, type OptionModel } from './command-model.ts';

/** Manual pages by file name: hallmark.1, and one for each command, such as hallmark-key-rotate.1. */
export function manPages(program: CommandModel, version: string): ReadonlyMap<string, string> {
  const commands = callable(program);
  const pages = commands.map(
    (command) => [`${pageName(command.path)}.1`, commandPage(command, program, version)] as const,
  );
  return new Map([['hallmark.1', programPage(program, commands, version)], ...pages]);
}

function programPage(program: CommandModel, commands: readonly CommandModel[], version: string): string {
  return page('hallmark', version, [
    '.SH NAME',
    `hallmark \\- ${roff(program.description)}`,
    '.SH SYNOPSIS',
    '.B hallmark\n[options] command [arguments]',
    '.SH COMMANDS',
    ...commands.flatMap(({ path, description }) => [
      '.TP',
      `.BR ${pageName(path).replaceAll('-', '\\-')} (1)`,
      roff(description),
    ]),
    '.SH OPTIONS',
    ...program.options.flatMap(optionLines),
    '.SH EXIT STATUS',
    '.TP\n.B 0\ndone',
    '.TP\n.B 1\nfailed',
    '.TP\n.B 2\nthe command line cannot be carried out as it stands',
    '.TP\n.B 3\nnot trusted: the evidence is bad',
  ]);
}

function commandPage(command: CommandModel, program: CommandModel, version: string): string {
  const { path, usage, description, options } = command;
  return page(pageName(path), version, [
    '.SH NAME',
    `${pageName(path).replaceAll('-', '\\-')} \\- ${roff(description)}`,
    '.SH SYNOPSIS',
    `.B hallmark ${path.join(' ')}\n${roff(usage)}${options.length > 0 ? ' [options]' : ''}`,
    ...(options.length > 0 ? ['.SH OPTIONS', ...options.flatMap(optionLines)] : []),
    '.SH OPTIONS OF EVERY COMMAND',
    ...program.options.flatMap(optionLines),
    '.SH SEE ALSO',
    '.BR hallmark (1)',
  ]);
}

function page(name: string, version: string, lines: readonly string[]): string {
  return `${[`.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "Hallmark ${version}" "Hallmark"`, ...lines].join('\n')}\n`;
}

function optionLines({ flags, description, byDefault }: OptionModel): readonly string[] {
  const otherwise = byDefault === undefined ? '' : ` (default: ${byDefault})`;
  return ['.TP', `.B ${roff(flags)}`, roff(`${description}${otherwise}`)];
}

function pageName(path: readonly string[]): string {
  return ['hallmark', ...path].join('-');
}

/**
 * A backslash is an escape in roff, a hyphen a line break, a dot or apostrophe at the start of a line a request, and whatever
 * is not ASCII has to be named.
 */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replace(
      /[^\p{ASCII}]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
