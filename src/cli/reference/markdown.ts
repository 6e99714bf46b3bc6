// SPDX-License-Identifier: Apache-2.0
import { type CommandModel, callable, type OptionModel } from './command-model.ts';

const HEAD = `# Commands

Written by \`npm run docs\` from the program itself; a test holds this page against it.

Exit codes: 0 done, 1 failed, 2 usage, 3 not trusted. The answer is on stdout, the talk on stderr. Options of every command may stand
before or after its name.
`;

/** The reference of all commands, as Markdown. */
export function commandReference(program: CommandModel): string {
  const commands = callable(program);
  const contents = commands.map(
    ({ path, description }) => `| [\`${path.join(' ')}\`](#${anchor(path)}) | ${cell(description)} |`,
  );
  return [
    HEAD,
    '| command | what it does |',
    '| --- | --- |',
    ...contents,
    '',
    '## Options of every command',
    '',
    ...optionTable(program.options),
    ...commands.flatMap(commandSection),
  ].join('\n');
}

function commandSection({ path, usage, description, options }: CommandModel): readonly string[] {
  return [
    `## hallmark ${path.join(' ')}`,
    '',
    `${sentence(description)}`,
    '',
    '```text',
    `hallmark ${[...path, usage, options.length > 0 ? '[options]' : ''].filter((part) => part !== '').join(' ')}`,
    '```',
    '',
    ...(options.length === 0 ? [] : optionTable(options)),
  ];
}

function optionTable(options: readonly OptionModel[]): readonly string[] {
  const rows = options.map(({ flags, description, byDefault }) => {
    const otherwise = byDefault === undefined ? '' : ` (default \`${byDefault}\`)`;
    return `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(description)}${otherwise} |`;
  });
  return ['| option | meaning |', '| --- | --- |', ...rows, ''];
}

/** As GitHub makes anchors of headings. */
function anchor(path: readonly string[]): string {
  return `hallmark-${path.join('-')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
