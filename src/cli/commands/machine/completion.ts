// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../../context.ts';
import { commandModel } from '../../reference/command-model.ts';
import { completionScript, SHELLS, type Shell } from '../../reference/completions.ts';
import { UsageError } from '../../usage-error.ts';

/** `hallmark completion SHELL`: prints the script that the shell is to load. */
export function completion({ io }: CommandContext, shell: string, program: Command): void {
  if (!isShell(shell)) throw new UsageError(`no completion for ${shell}: there is ${SHELLS.join(', ')}`);
  io.stdout.write(completionScript(shell, commandModel(program)));
}

function isShell(text: string): text is Shell {
  return (SHELLS as readonly string[]).includes(text);
}
