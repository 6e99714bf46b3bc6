// SPDX-License-Identifier: Apache-2.0
import { type Command, GLOBAL_FLAGS } from './command.ts';
import { NotaryError } from './errors.ts';

export interface FoundCommand {
  /** Names from the program on. */
  readonly path: readonly string[];
  readonly command: Command;
  /** The flags and arguments that are left. */
  readonly words: readonly string[];
}

/**
 * The command that a line calls; flags may stand before its name. `help COMMAND` is `COMMAND --help`.
 * @throws NotaryError there is no such command
 */
export function findCommand(root: Command, argv: readonly string[]): FoundCommand {
  const at = firstArgument(argv);
  const isHelp = at !== undefined && argv[at] === 'help';
  const words = isHelp ? [...argv.filter((_, index) => index !== at), '--help'] : argv;
  return descend({ path: [root.name], command: root, words });
}

function descend(found: FoundCommand): FoundCommand {
  const { path, command, words } = found;
  const at = firstArgument(words);
  if (command.commands === undefined || at === undefined) return found;
  const name = words[at] as string;
  const next = command.commands.find((candidate) => candidate.name === name);
  if (next !== undefined)
    return descend({ path: [...path, name], command: next, words: words.filter((_, index) => index !== at) });
  // below the program itself, what is no command gets the list of those that are
  if (path.length > 1) return { ...found, words: [] };
  throw new NotaryError(`unknown command ${JSON.stringify(name)} for "${path.join(' ')}"`);
}

/** The place of the first word that is neither a flag nor the value of one. */
function firstArgument(words: readonly string[]): number | undefined {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') return undefined;
    if (!word.startsWith('-') || word === '-') return at;
    const flag = GLOBAL_FLAGS.find(({ name, short }) => word === `--${name}` || word === `-${short}`);
    if (flag !== undefined && flag.kind !== 'bool') at++;
  }
  return undefined;
}
