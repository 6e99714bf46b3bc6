// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

/** Moving trust data between servers, its bytes unchanged. */
export function addArchiveCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('archive <repository...>')
    .description('copy all public trust data of repositories, verified, into a directory')
    .option('--from <url>', 'the trust server to copy from (default: as --server)')
    .option('--output <dir>', 'where to; a web server can serve it in place of the trust server', 'trust-archive')
    .action(async (repositories, { from, output }) => {
      if (from !== undefined) program.setOptionValue('server', from);
      return (await import('./archive.ts')).archive(globals(), repositories, { output });
    });
}
