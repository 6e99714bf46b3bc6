// SPDX-License-Identifier: Apache-2.0

/**
 * `hallmark delegation …`: who else may sign for a repository, with which keys, for which tags, and how many of them
 * must. Only command lines are read here: nothing here decides about trust.
 *
 *     addDelegationCommands(program, globals);
 *     await program.parseAsync(['delegation', 'add', 'acme/app', 'targets/alice', 'alice.pem', '--all-paths']);
 */
import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

const STAGE = ['--stage <file>', 'write the change into a new file for others to sign, and publish nothing'] as const;
const PATH = ['--path <prefix>', 'prefix of the tags concerned; repeatable', collect] as const;
const THRESHOLD = ['--threshold <n>', 'how many of the keys must sign'] as const;

export function addDelegationCommands(program: Command, globals: () => CommandContext): void {
  const delegation = program.command('delegation').description('say who else may sign for a repository');
  delegation
    .command('add <repository> <role> [keyfile...]')
    .description('delegate to a role such as targets/alice, or give it more keys, paths or another threshold')
    .option(...PATH)
    .option('--all-paths', 'let it sign every tag')
    .option(...THRESHOLD)
    .option(...STAGE)
    .action(async (repository, role, files, options) =>
      (await import('./add.ts')).add(globals(), repository, role, files, options),
    );
  delegation
    .command('remove <repository> <role> [keyid...]')
    .description('take keys or paths from a delegation, or all of it')
    .option(...PATH)
    .option(...THRESHOLD)
    .option('-y, --yes', 'do not ask before a whole delegation is removed')
    .option(...STAGE)
    .action(async (repository, role, keyIds, options) =>
      (await import('./remove.ts')).remove(globals(), repository, role, keyIds, options),
    );
  addOthers(delegation, globals);
}

function addOthers(delegation: Command, globals: () => CommandContext): void {
  delegation
    .command('list <repository>')
    .description('show delegations, their keys and thresholds, and whether they are signed')
    .action(async (repository) => (await import('./list.ts')).list(globals(), repository));
  delegation
    .command('purge <repository>')
    .description('take keys from every delegation that has them')
    .requiredOption('--key <id>', 'key ID; repeatable', collect)
    .option(...STAGE)
    .action(async (repository, options) => (await import('./purge.ts')).purge(globals(), repository, options));
  delegation
    .command('restart <repository> <role>')
    .description('sign an empty file in place of one that its present keys did not sign, such as a thief left')
    .option(...STAGE)
    .action(async (repository, role, options) =>
      (await import('./restart.ts')).restart(globals(), repository, role, options),
    );
}
