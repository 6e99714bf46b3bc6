// SPDX-License-Identifier: Apache-2.0

import type { Command } from 'commander';
import { collect } from '../../collect.ts';
import type { CommandContext } from '../../context.ts';

const KEY = ['--key <id|file>', 'root key: its ID, or a file with the public key or certificate', collect] as const;
const CERT = ['--cert <id>', 'key ID of a root certificate', collect] as const;

/** Which root keys are trusted before a repository was ever used. */
export function addPinCommands(program: Command, globals: () => CommandContext): void {
  const pin = program.command('pin').description('say which root keys to trust, before the first use of a repository');
  const commands = () => import('./pin.ts');
  pin
    .command('list')
    .description('show what is pinned')
    .action(async () => (await commands()).list(globals()));
  pin
    .command('add <name>')
    .description('pin root keys of a repository, or of all under NAME/*; those trusted now where none are given')
    .option(...KEY)
    .option(...CERT)
    .option('--ca-file <file>', 'authority to which the root certificate must lead')
    .option('--forget', 'forget what is trusted for that repository now, if the pin does not admit it')
    .action(async (name, options) => (await commands()).add(globals(), name, options));
  pin
    .command('remove <name>')
    .description('take away a pin, or some of its keys')
    .option(...KEY)
    .option(...CERT)
    .action(async (name, options) => (await commands()).remove(globals(), name, options));
  pin
    .command('tofu <on|off>')
    .description('whether a repository that no pin covers is trusted on first use')
    .action(async (value) => (await commands()).tofu(globals(), value));
  addExchange(pin, globals);
}

function addExchange(pin: Command, globals: () => CommandContext): void {
  const commands = () => import('./pin.ts');
  pin
    .command('export [repository...]')
    .description('print the root keys trusted now for these repositories, or all pins, for another machine to import')
    .option('-o, --output <file>', 'write a file instead')
    .action(async (names, options) => (await commands()).exportPins(globals(), names, options));
  pin
    .command('import <file>')
    .description('take over pins that another machine exported')
    .option('--replace', 'also where more would be trusted than now')
    .option('--forget', 'forget what is trusted now for repositories that the pins do not admit')
    .action(async (file, options) => (await commands()).importPins(globals(), file, options));
}
