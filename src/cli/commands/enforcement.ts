// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { AGENT_SOCKET, AGENT_STATE } from '../image-verifier/places.ts';

/** Services that make engines obey the policy. */
export function addEnforcementCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('agent')
    .description('answer the image verifiers of this machine, by the policy, over a socket')
    .option('--socket <path>', 'where the verifiers ask', AGENT_SOCKET)
    .option('--state <dir>', 'where what was trusted is remembered', AGENT_STATE)
    .action(async (options) => (await import('./agent.ts')).agent(globals(), options));
}
