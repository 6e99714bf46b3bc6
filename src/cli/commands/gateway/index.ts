// SPDX-License-Identifier: Apache-2.0
import { Argument, type Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

/** The verifying registry, and what engines need to obey it. */
export function addGatewayCommands(program: Command, globals: () => CommandContext): void {
  const gateway = program
    .command('gateway')
    .description('serve engines what the policy lets through, as a registry')
    .option('--config <file>', 'which registries it stands for, its policy and its state')
    .action(async (options) => (await import('./gateway.ts')).gateway(globals(), options));
  gateway
    .command('config')
    .description('print the files with which an engine pulls through the gateway and nowhere else')
    .addArgument(new Argument('<engine>', 'whose files').choices(['containerd', 'docker', 'podman', 'crio']))
    .requiredOption('--gateway <url>', 'the gateway, as engines reach it')
    .requiredOption('--gateway-ca <file>', "the gateway's authority, where the engine finds it")
    .requiredOption('--registry <name>', 'a registry as it stands in image names; repeatable', collect)
    .option('--push-to <name>', 'a registry that is pushed to from there, past the gateway; repeatable', collect)
    .action(async (engine, options) => (await import('./gateway.ts')).printEngineConfig(globals(), engine, options));
}
