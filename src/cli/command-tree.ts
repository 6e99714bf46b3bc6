// SPDX-License-Identifier: Apache-2.0
import { Command, CommanderError } from 'commander';
import { collect } from './collect.ts';
import type { CommandContext, Run } from './context.ts';
import { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { oneLine } from './one-line.ts';
import type { GlobalOptions } from './settings.ts';
import { VERSION } from './version.ts';

/** Commands that are declared together: a start loads and declares those alone that its command line can mean. */
interface CommandGroup {
  readonly names: readonly string[];
  /** How a command line that cannot be read ends, where others lay that down. */
  readonly usageCode?: ExitCode;
  declare(program: Command, globals: () => CommandContext, run: Run): Promise<void>;
}

/** In the order in which the help lists them. */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    names: ['pull', 'push', 'verify', 'inspect', 'sign', 'revoke'],
    declare: async (program, globals) => (await import('./commands/image/index.ts')).addImageCommands(program, globals),
  },
  {
    names: ['up', 'demo', 'lab', 'doctor', 'completion', 'install-plugin'],
    declare: async (program, globals, run) =>
      (await import('./commands/machine/index.ts')).addMachineCommands(program, globals, run),
  },
  {
    names: ['server', 'signer', 'migrate', 'config'],
    declare: async (program, globals) =>
      (await import('./commands/services/index.ts')).addServiceCommands(program, globals),
  },
  {
    names: ['key'],
    declare: async (program, globals) => (await import('./commands/key/index.ts')).addKeyCommands(program, globals),
  },
  {
    names: ['delegation'],
    declare: async (program, globals) =>
      (await import('./commands/delegation/index.ts')).addDelegationCommands(program, globals),
  },
  {
    names: ['cosign'],
    declare: async (program, globals) =>
      (await import('./commands/staging/index.ts')).addStagingCommands(program, globals),
  },
  {
    names: ['status', 'publish', 'reset', 'witness'],
    declare: async (program, globals) =>
      (await import('./commands/changelist/index.ts')).addChangelistCommands(program, globals),
  },
  {
    names: ['pin'],
    declare: async (program, globals) => (await import('./commands/pin/index.ts')).addPinCommands(program, globals),
  },
  {
    names: ['archive', 'remap', 'import'],
    declare: async (program, globals) =>
      (await import('./commands/moving/index.ts')).addMovingCommands(program, globals),
  },
  {
    names: ['policy'],
    declare: async (program, globals) =>
      (await import('./commands/policy/index.ts')).addPolicyCommands(program, globals),
  },
  {
    names: ['agent', 'engine-proxy', 'engine-authz', 'admission'],
    declare: async (program, globals) =>
      (await import('./commands/enforcement/index.ts')).addEnforcementCommands(program, globals),
  },
  {
    names: ['audit'],
    declare: async (program, globals) => (await import('./commands/audit/index.ts')).addAuditCommands(program, globals),
  },
  {
    names: ['tuf-client'],
    // the protocol of the conformance suite knows 0 and 1
    usageCode: ExitCode.failed,
    declare: async (program, globals) =>
      (await import('./commands/tuf-client/index.ts')).addTufClientCommands(program, globals),
  },
  {
    names: ['gateway'],
    declare: async (program, globals) =>
      (await import('./commands/gateway/index.ts')).addGatewayCommands(program, globals),
  },
];

/** These words are about all commands. */
const ALL = new Set(['help', '--help', '-h', 'completion']);

/** Every group that a command line may be about, wherever in it the command stands: rather one too many. */
export function groupsFor(argv: readonly string[]): readonly CommandGroup[] {
  if (argv.some((word) => ALL.has(word))) return COMMAND_GROUPS;
  const meant = COMMAND_GROUPS.filter(({ names }) => names.some((name) => argv.includes(name)));
  return meant.length === 0 ? COMMAND_GROUPS : meant;
}

/** The exit code of a command line that is wrong, by the first command that it names. */
export function usageCodeFor(argv: readonly string[]): ExitCode {
  const named = argv.map((word) => COMMAND_GROUPS.find(({ names }) => names.includes(word)));
  return named.find((group) => group !== undefined)?.usageCode ?? ExitCode.usage;
}

/** The commands of these groups and their options; what they do is loaded when one is called. */
export async function commandTree(
  io: Io,
  context: (globals: GlobalOptions) => CommandContext,
  run: Run,
  groups: readonly CommandGroup[] = COMMAND_GROUPS,
): Promise<Command> {
  const program = globalOptions(io);
  const globals = (): CommandContext => context(program.opts<GlobalOptions>());
  for (const group of groups) await group.declare(program, globals, run);
  for (const command of program.commands) settle(command, program, 'hallmark');
  program.argument('[command]').usage('[options] [command]').allowExcessArguments();
  program.action((command?: string) => {
    if (command !== undefined) program.error(`error: unknown command '${oneLine(command)}'`);
    program.outputHelp({ error: true });
    throw new CommanderError(ExitCode.usage, 'hallmark.noCommand', 'no command given');
  });
  return program;
}

/** What goes wrong in a command leads to its own help. */
function settle(command: Command, parent: Command, path: string): void {
  const name = `${path} ${command.name()}`;
  command.copyInheritedSettings(parent).showHelpAfterError(`see '${name} --help'`);
  for (const child of command.commands) settle(child, command, name);
}

/** The other faces, which take the command lines of other programs. */
const FACES = `
In the place of other programs, with their commands and options; a link of that name does the same:
  hallmark docker …            the docker CLI, with content trust around it
  hallmark docker-trust …      docker trust
  hallmark notary …            the notary CLI; notary-server and notary-signer too
  hallmark image-verifier …    what containerd calls for each image

hallmark COMMAND --help tells more of each command.`;

function globalOptions(io: Io): Command {
  return new Command('hallmark')
    .description('Docker Content Trust: push signed, pull what is signed, refuse everything else')
    .version(VERSION, '--version', 'print the version')
    .option('--trust-dir <dir>', "directory of keys and trust data (default: Docker's, ~/.docker/trust)")
    .option('--server <url>', 'trust server (default: DOCKER_CONTENT_TRUST_SERVER, else by the image)')
    .option('--ca <file>', "certificate authority of the trust server (default: Docker's files in ~/.docker/tls)")
    .option(
      '--passphrase-file <[alias=]file>',
      'passphrase of a key: root, repository or a signer; repeatable',
      collect,
    )
    .option('--passphrase-fd <[alias=]fd>', 'the same from an open file descriptor', collect)
    .option(
      '--token <uri>',
      'sign with the keys of a PKCS#11 token too (RFC 7512; HALLMARK_TOKEN); repeatable',
      collect,
    )
    .option('--pin-fd <[label=]fd>', "the token's PIN from an open file descriptor", collect)
    .option('--max-staleness <span>', 'when the server cannot be reached, trust data checked so long ago (30m, 12h)')
    .option('--policy <file>', 'policy that says which images need which trust (HALLMARK_POLICY)')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', FACES)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError("see 'hallmark --help'")
    .exitOverride();
}
