// SPDX-License-Identifier: Apache-2.0

import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

/** What is staged in the trust directory, by Hallmark or by notary over the same directory, until it is published. */
export function addChangelistCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('status <repository>')
    .description('show the changes that are staged for the next publish')
    .action(async (repository) => (await import('./status.ts')).status(globals(), repository));
  program
    .command('publish <repository|file>')
    .description('publish what is staged for a repository, or a staged file that has all its signatures')
    .action(async (name) => (await import('./publish.ts')).publish(globals(), name));
  program
    .command('reset <repository>')
    .description('drop staged changes')
    .option('--all', 'drop all of them')
    .option('-n, --number <n>', 'drop this one, by its number in the status; repeatable', collect)
    .action(async (repository, options) => (await import('./reset.ts')).reset(globals(), repository, options));
  program
    .command('witness <repository> <role...>')
    .description('stage that roles are signed anew as they are, such as one whose keys were replaced')
    .action(async (repository, roles) => (await import('./witness.ts')).witness(globals(), repository, roles));
}
