// SPDX-License-Identifier: Apache-2.0
import type { CommandModel, OptionModel } from './command-model.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script that teaches the shell the commands and options of this very version. */
export function completionScript(shell: Shell, program: CommandModel): string {
  switch (shell) {
    case 'bash':
      return bash(program);
    case 'zsh':
      // zsh runs completions written for bash; what it adds is the loading
      return `#compdef hallmark\nautoload -U +X bashcompinit && bashcompinit\n${bash(program)}`;
    case 'fish':
      return fish(program);
    default:
      return shell satisfies never;
  }
}

/** Every level of the tree, the program itself first. */
function levels(model: CommandModel): readonly CommandModel[] {
  return [model, ...model.commands.flatMap(levels)];
}

function longFlags(options: readonly OptionModel[]): readonly string[] {
  return options.flatMap(({ long }) => long ?? []);
}

/** Walks along the words that are commands, so that an option between them does not matter; options with a value complete files. */
function bash(program: CommandModel): string {
  const everywhere = longFlags(program.options);
  const cases = levels(program).map(({ path, commands, options }) => {
    const words = [...commands.map((command) => command.path.at(-1)), ...longFlags(options), ...everywhere];
    return `    '${path.join(' ')}') words='${[...new Set(words)].join(' ')}' ;;`;
  });
  const known = levels(program).flatMap(({ path }) => (path.length === 0 ? [] : `'${path.join(' ')}'`));
  const valued = new Set(
    levels(program).flatMap(({ options }) => longFlags(options.filter(({ takesValue }) => takesValue))),
  );
  return `_hallmark() {
  local path='' words='' word next
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in
    ${known.join('|')}) path=$next ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
  ${[...valued].join('|')}) COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
  esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hallmark hallmark
`;
}

function fish(program: CommandModel): string {
  const lines = levels(program).flatMap(({ path, commands, options }) => {
    const here =
      path.length === 0
        ? '__fish_use_subcommand'
        : path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const children = commands.map((command) => command.path.at(-1) ?? '');
    const open =
      children.length > 0 && path.length > 0
        ? `${here}; and not __fish_seen_subcommand_from ${children.join(' ')}`
        : here;
    return [
      ...commands.map(
        (command) => `complete -c hallmark -f -n '${open}' -a ${command.path.at(-1)} -d ${quoted(command.description)}`,
      ),
      ...options.map((option) => fishOption(option, path.length === 0 ? undefined : here)),
    ];
  });
  return `${lines.join('\n')}\n`;
}

function fishOption({ long, short, takesValue, description }: OptionModel, condition: string | undefined): string {
  return [
    'complete -c hallmark',
    ...(condition === undefined ? [] : [`-n '${condition}'`]),
    ...(long === undefined ? [] : [`-l ${long.replace(/^--/, '')}`]),
    ...(short === undefined ? [] : [`-s ${short.replace(/^-/, '')}`]),
    ...(takesValue ? ['-r'] : []),
    `-d ${quoted(description)}`,
  ].join(' ');
}

/** As fish reads a single-quoted string. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
