// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

/** `hallmark tuf-client`: a client of any TUF 1.0 repository, as the official conformance suite drives one. */
export function addTufClientCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('tuf-client')
    .argument('<action>', 'init, refresh or download')
    .argument('[root]', 'for init: the root metadata to trust')
    .description('read a TUF 1.0 repository: init ROOT, refresh, download; exit code 0 or 1')
    .option('--metadata-dir <dir>', 'where trusted metadata is kept')
    .option('--metadata-url <url>', 'where the repository has its metadata')
    .option('--target-name <path>', 'target to download; repeatable', collect)
    .option('--target-dir <dir>', 'where targets are kept')
    .option('--target-base-url <url>', 'where the repository has its targets')
    .action(async (action, root, options) =>
      (await import('./tuf-client.ts')).tufClient(globals(), action, root, options),
    );
}
