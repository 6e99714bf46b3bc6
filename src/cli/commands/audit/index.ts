// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

/** Who did what on a trust server, for those who run it. */
export function addAuditCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('audit')
    .description('show who published, deleted, made keys or was refused on a trust server of yours')
    .option('--config <file>', "read the database of this configuration of 'hallmark server'")
    .option('--data <dir>', "read the database in the data directory of 'hallmark up'")
    .option('--file <file>', 'read a file that the server writes; repeatable, the oldest first', collect)
    .option('--gun <gun>', 'only what concerns this repository')
    .option('--actor <name>', 'only what this user did')
    .option(
      '--action <action>',
      'only this: publish, renew, delete, key-create, key-rotate, refused, expiring; repeatable',
      collect,
    )
    .option('--since <when>', 'from this moment on (2026-11-25, 2026-11-25T12:00:00Z, or 12h, 7d ago)')
    .option('--until <when>', 'before this moment')
    .option('--limit <n>', 'so many of the newest', '100')
    .option('-f, --follow', 'go on with what comes')
    .option('--verify', 'check that no line of the files was changed, taken out or put in')
    .action(async (options) => (await import('./audit.ts')).audit(globals(), options));
}
