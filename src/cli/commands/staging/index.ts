// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../../context.ts';

/** What several people sign one after another. */
export function addStagingCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('cosign <file>')
    .description('show what a staged file changes, and add your signatures to it')
    .option('-y, --yes', 'do not ask before signing')
    .option('--show', 'show the changes and who is missing, and sign nothing')
    .action(async (file, options) => (await import('./cosign.ts')).cosign(globals(), file, options));
}
