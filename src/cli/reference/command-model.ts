// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

/** A command as its help, its manual page and its completion describe it. */
export interface CommandModel {
  /** Words after the program's name: `['key', 'rotate']`; empty for the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  /** As in a usage line: `<gun> <role>`, `[keyid...]`. */
  readonly usage: string;
  readonly options: readonly OptionModel[];
  readonly commands: readonly CommandModel[];
}

export interface OptionModel {
  /** `-y, --yes` or `--stage <file>`. */
  readonly flags: string;
  readonly long: string | undefined;
  readonly short: string | undefined;
  readonly takesValue: boolean;
  readonly description: string;
  /** The default where it says something. */
  readonly byDefault: string | undefined;
}

/** The model of a program made with commander; hidden commands are left out. */
export function commandModel(command: Command, path: readonly string[] = []): CommandModel {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return {
    path,
    description: command.description(),
    usage: path.length === 0 ? '<command>' : args.join(' '),
    options: command.options.map((option) => ({
      flags: option.flags,
      long: option.long ?? undefined,
      short: option.short ?? undefined,
      takesValue: option.required || option.optional,
      description: option.description,
      byDefault: typeof option.defaultValue === 'string' ? option.defaultValue : undefined,
    })),
    commands: command.commands
      .filter((child) => child.name() !== 'help')
      .map((child) => commandModel(child, [...path, child.name()])),
  };
}

/** All commands that can be called, in order: those that only hold others have no options of their own, and are left out. */
export function callable(model: CommandModel): readonly CommandModel[] {
  const below = model.commands.flatMap(callable);
  return below.length === 0 || (model.path.length > 0 && model.options.length > 0) ? [model, ...below] : below;
}
