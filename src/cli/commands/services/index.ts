// SPDX-License-Identifier: Apache-2.0

import type { Command } from 'commander';
import type { CommandContext } from '../../context.ts';

/** The two services as they run for others, and what belongs to their configurations. */
export function addServiceCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('server')
    .description('run the trust server of a configuration file')
    .requiredOption('--config <file>', "JSON or YAML; Notary's own files too")
    .action(async (options) => (await import('./server.ts')).server(globals(), options));
  addSignerCommands(program, globals);
  program
    .command('migrate')
    .description('bring the database of a configuration file up to date, and tell what was done')
    .requiredOption('--config <file>', 'of a trust server or a signing service')
    .option('--dry-run', 'tell what would be done, and do nothing')
    .action(async (options) => (await import('./migrate.ts')).migrate(globals(), options));
  const config = program.command('config').description('check configuration files, or print what may stand in them');
  config
    .command('check <file>')
    .description(
      'read a configuration, and try all that it names: files, certificates, database, signing service, policy',
    )
    .action(async (file) => (await import('./config.ts')).checkConfig(globals(), file));
  config
    .command('schema <server|signer>')
    .description('print the JSON Schema of a configuration file')
    .option('--notary', "of Notary's own form")
    .action(async (service, options) => (await import('./config.ts')).configSchema(globals(), service, options));
}

/** The service by itself; and what is done to its keys beside it. */
function addSignerCommands(program: Command, globals: () => CommandContext): void {
  const signer = program
    .command('signer')
    .description('run the signing service of a configuration file')
    .option('--config <file>', "JSON or YAML; Notary's own files too")
    .action(async (options) => (await import('./server.ts')).signer(globals(), options));
  signer
    .command('rotate-passphrase')
    .description('encrypt the keys anew under another alias; services go on meanwhile')
    .option('--from <alias>', 'only keys under this alias')
    .option('--to <alias>', 'the new alias (default: the default alias of the configuration)')
    .action(async (_, command) =>
      (await import('./signer-keys.ts')).rotateSignerPassphrase(globals(), command.optsWithGlobals()),
    );
}
