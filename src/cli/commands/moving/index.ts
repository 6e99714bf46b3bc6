// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../../context.ts';
import type { ImportOptions } from './import-sources.ts';

/** Moving trust data between servers, machines and names. */
export function addMovingCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('archive <repository...>')
    .description('copy all public trust data of repositories, verified, into a directory')
    .option('--from <url>', 'the trust server to copy from (default: as --server)')
    .option('--output <dir>', 'where to; a web server can serve it in place of the trust server', 'trust-archive')
    .action(async (repositories, { from, output }) => {
      if (from !== undefined) program.setOptionValue('server', from);
      return (await import('./archive.ts')).archive(globals(), repositories, { output });
    });
  program
    .command('remap <old> <new>')
    .description('make a repository anew under another name, with the same keys and everything that they may sign')
    .option('--from <url>', 'the trust server of the old name (default: as --server)')
    .option('--dry-run', 'tell what would be signed, and by whom the rest has to be; nothing is changed')
    .action(async (from, to, options) => (await import('./remap.ts')).remap(globals(), from, to, options));
  program
    .command('import [archive] [gun...]')
    .description('take over what is elsewhere: an archive or a database into a server, a trust directory into yours')
    .option('--data <dir>', 'into the data directory of hallmark up')
    .option('--config <file>', 'into the databases of this trust server')
    .option('--from-config <file>', "everything in the database of this trust server, Notary's or Hallmark's")
    .option('--signer-config <file>', 'with the keys of this signing service')
    .option('--to-signer-config <file>', 'into the database of this one, where --config names a signing service')
    .option('--from-trust-dir <dir>', 'keys, pins and trusted metadata of this directory, such as ~/.notary')
    .action(async (archive: string | undefined, guns: readonly string[], options: ImportOptions) =>
      (await import('./import-sources.ts')).importFrom(globals(), archive, guns, options),
    );
}
