// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext, Run } from '../../context.ts';

/** What runs on, teaches, examines or sets up one machine. */
export function addMachineCommands(program: Command, globals: () => CommandContext, run: Run): void {
  program
    .command('up')
    .description('run a trust server with its signing service, all in one process')
    .option('--data <dir>', 'where keys, certificate and trust data are kept', 'hallmark-data')
    .option('--listen <host:port>', 'address of the trust server', '127.0.0.1:4443')
    .option('--registry <host:port>', 'run an embedded registry as well')
    .option('--console [host:port]', 'web pages as well: below /console/, or at an address of their own')
    .option('--tls-cert <file>', 'certificate of the trust server (default: its own authority makes one)')
    .option('--tls-key <file>', 'key of that certificate')
    .option('--setup-docker', 'place the authority where Docker and notary look for it')
    .action(async (options) => (await import('./up.ts')).up(globals(), options));
  program
    .command('demo')
    .description('push, sign, pull, and four attacks that are refused, on this machine alone')
    .action(async () => (await import('./demo.ts')).demo(globals(), run));
  program
    .command('lab')
    .description('learn it by doing: sign, attack, be refused, recover; everything needed is in this program')
    .option('--list', 'list the exercises')
    .option('--exercise <number|name>', 'one of them')
    .option('--auto', 'without a pause; exit code 1 if a promise is not kept')
    .action(async (options) => (await import('./lab.ts')).lab(globals(), options, run));
  program
    .command('doctor')
    .description(
      'find what is open on this machine: ways for unverified images, keys that others can read, what runs out',
    )
    .option('--fix', 'mend what can be mended safely; nothing is changed without it')
    .option(
      '--online',
      'ask registries and trust servers too: what answers past a gateway, which stored images are refused',
    )
    .action(async (options) => (await import('./doctor.ts')).doctor(globals(), options));
  program
    .command('completion <shell>')
    .description('print completions for bash, zsh or fish')
    .action(async (shell) => (await import('./completion.ts')).completion(globals(), shell, program));
  program
    .command('install-plugin')
    .description('give the docker CLI this program as its trust command, by a plugin')
    .option('--dir <dir>', "directory of Docker's plugins (default: cli-plugins beside Docker's config.json)")
    .option('--force', 'replace a file that is not of our making')
    .action(async (options) => (await import('./install-plugin.ts')).installPlugin(globals(), options));
}
