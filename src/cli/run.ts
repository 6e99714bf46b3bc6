// SPDX-License-Identifier: Apache-2.0

import { Command, CommanderError } from 'commander';
import type { ImageReference } from '../registry/index.ts';
import { collect } from './collect.ts';
import { addArchiveCommands } from './commands/archive-commands.ts';
import { addAuditCommands } from './commands/audit/index.ts';
import { addChangelistCommands } from './commands/changelist.ts';
import { addDelegationCommands } from './commands/delegation/index.ts';
import { addEnforcementCommands } from './commands/enforcement.ts';
import { addGatewayCommands } from './commands/gateway-commands.ts';
import { addKeyCommands } from './commands/key/index.ts';
import { addPolicyCommands } from './commands/policy/index.ts';
import { addServiceCommands } from './commands/services.ts';
import { addPinCommands, addStagingCommands } from './commands/staging-and-pins.ts';
import { addTufClientCommands } from './commands/tuf-client-command.ts';
import type { CommandContext } from './context.ts';
import { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { oneLine } from './one-line.ts';
import type { Session } from './session.ts';
import type { GlobalOptions } from './settings.ts';
import type { SessionManners, TrustView } from './trust-view.ts';
import { VERSION } from './version.ts';

/**
 * Runs one command line. Each command is loaded when it is called, so that a short one starts fast.
 * @returns the exit code; nothing is thrown, and an error is never exit code 0 (S28)
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let subject = '';
  const opened = <T extends TrustView>(session: T): T => {
    subject = session.gun;
    return session;
  };
  const parts: Partial<Parts> = {};
  const program = commandTree(io, (globals) => ({
    io,
    globals,
    view: (reference) => opened(new (loaded(parts.TrustView))(io, globals, reference, parts.manners?.(reference))),
    open: (reference) => opened(new (loaded(parts.Session))(io, globals, reference, parts.manners?.(reference))),
  }));
  program.hook('preAction', async (_, command) => {
    Object.assign(parts, await import('./trust-view.ts'));
    if (!LOOKS_ONLY.has(command.name())) Object.assign(parts, await import('./session.ts'));
    Object.assign(parts, await mannersOfPolicy(io, program.opts<GlobalOptions>()));
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    const { failureOf } = await import('./errors.ts');
    const failure = failureOf(error, subject);
    io.stderr.write(`${oneLine(failure.message)}\n`);
    if (failure.hint !== undefined) io.stderr.write(`hint: ${failure.hint}\n`);
    if (io.env.HALLMARK_DEBUG) io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return failure.exitCode === ExitCode.done ? ExitCode.failed : failure.exitCode;
  }
}

/** What commands work with, loaded once it is known which command it is. */
interface Parts {
  readonly TrustView: typeof TrustView;
  readonly Session: typeof Session;
  readonly manners: (reference: ImageReference) => SessionManners;
}

/** A policy says server and pins of an image to every command; it is read when a repository is opened, where there is one. */
async function mannersOfPolicy(io: Io, options: GlobalOptions): Promise<Pick<Parts, 'manners'> | undefined> {
  const { policyPath } = await import('./policy-place.ts');
  if (policyPath(io, options) === undefined) return undefined;
  const { policyInForce, termsFor } = await import('./policy-in-force.ts');
  return { manners: (reference) => ({ terms: termsFor(policyInForce(io, options), reference) }) };
}

/** Commands that change nothing: they start without what keys and publishing need. */
const LOOKS_ONLY = new Set(['verify', 'inspect', 'pull', 'archive', 'tuf-client']);

function loaded<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('used by a command that only looks');
  return part;
}

/** All commands and their options; what they do is loaded when one is called. */
export function commandTree(io: Io, context: (globals: GlobalOptions) => CommandContext): Command {
  const program = new Command('hallmark')
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
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError("see 'hallmark --help'")
    .exitOverride();
  const globals = (): CommandContext => context(program.opts<GlobalOptions>());
  addImageCommands(program, globals);
  addTrustCommands(program, globals);
  addServerCommands(program, globals);
  addServiceCommands(program, globals);
  addKeyCommands(program, globals);
  addDelegationCommands(program, globals);
  addStagingCommands(program, globals);
  addChangelistCommands(program, globals);
  addPinCommands(program, globals);
  addArchiveCommands(program, globals);
  addPolicyCommands(program, globals);
  addEnforcementCommands(program, globals);
  addAuditCommands(program, globals);
  addTufClientCommands(program, globals);
  addGatewayCommands(program, globals);
  for (const command of program.commands) command.copyInheritedSettings(program);
  program.argument('[command]').usage('[options] [command]').allowExcessArguments();
  program.action((command?: string) => {
    if (command !== undefined) program.error(`error: unknown command '${oneLine(command)}'`);
    program.outputHelp({ error: true });
    throw new CommanderError(ExitCode.usage, 'hallmark.noCommand', 'no command given');
  });
  return program;
}

function addImageCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('pull <reference>')
    .description('pull what was signed for a tag, by its digest')
    .option('-a, --all-tags', 'pull every signed tag of the repository')
    .option('--platform <os/arch[/variant]>', 'which image of a multi-platform one')
    .option('--output <where>', 'engine, oci:DIR or docker-archive:FILE', 'engine')
    .option('-q, --quiet', 'no progress')
    .option('--disable-content-trust', 'pull by tag, unverified')
    .action(async (reference, options) => (await import('./commands/pull.ts')).pull(globals(), reference, options));
  program
    .command('push <reference>')
    .description('push an image and sign its tag')
    .option('--from <where>', 'engine, oci:DIR or docker-archive:FILE', 'engine')
    .option('--platform <os/arch[/variant]>', 'which image of a multi-platform one')
    .option('-q, --quiet', 'no progress')
    .option('--disable-content-trust', 'push without signing')
    .option('--stage <file>', 'push the image, and write its signed tag into a new file for others to sign')
    .action(async (reference, options) => (await import('./commands/push.ts')).push(globals(), reference, options));
}

function addTrustCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('verify <reference>')
    .description('print the digest that was signed for a tag; exit code 3 if it is not trusted')
    .action(async (reference) => (await import('./commands/verify.ts')).verify(globals(), reference));
  program
    .command('inspect <reference...>')
    .description('show who signed what in a repository')
    .option('--pretty', 'for people rather than programs')
    .option('--tree', 'show who delegates to whom, with which keys and until when')
    .option('--graph <svg|mermaid>', 'the same as a picture')
    .action(async (references, options) =>
      (await import('./commands/inspect.ts')).inspect(globals(), references, options),
    );
  program
    .command('sign <reference>')
    .description('sign what a registry serves under a tag, or NAME:TAG@DIGEST')
    .option('--role <role>', 'sign into this role; repeatable (default: as Docker chooses)', collect)
    .option('--stage <file>', 'write the signed change into a new file for others to sign, and publish nothing')
    .action(async (reference, options) => (await import('./commands/sign.ts')).sign(globals(), reference, options));
  program
    .command('revoke <reference>')
    .description('take away the signatures of a tag, or of a whole repository')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--stage <file>', 'write the signed change into a new file for others to sign, and publish nothing')
    .action(async (reference, options) => (await import('./commands/revoke.ts')).revoke(globals(), reference, options));
}

function addServerCommands(program: Command, globals: () => CommandContext): void {
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
    .action(async (options) => (await import('./commands/up.ts')).up(globals(), options));
  program
    .command('demo')
    .description('push, sign, pull, and four attacks that are refused, on this machine alone')
    .action(async () => (await import('./commands/demo.ts')).demo(globals(), run));
  program
    .command('lab')
    .description('learn it by doing: sign, attack, be refused, recover; everything needed is in this program')
    .option('--list', 'list the exercises')
    .option('--exercise <number|name>', 'one of them')
    .option('--auto', 'without a pause; exit code 1 if a promise is not kept')
    .action(async (options) => (await import('./commands/lab.ts')).lab(globals(), options, run));
  program
    .command('doctor')
    .description(
      'find what is open on this machine: settings that let unverified images through, keys that others can read',
    )
    .option('--fix', 'mend what can be mended safely; nothing is changed without it')
    .action(async (options) => (await import('./commands/doctor.ts')).doctor(globals(), options));
  program
    .command('completion <shell>')
    .description('print completions for bash, zsh or fish')
    .action(async (shell) => (await import('./commands/completion.ts')).completion(globals(), shell, program));
  program
    .command('install-plugin')
    .description('make docker trust of this program, as a plugin of the docker CLI')
    .option('--dir <dir>', "directory of Docker's plugins (default: cli-plugins beside Docker's config.json)")
    .option('--force', 'replace a file that is not of our making')
    .action(async (options) => (await import('./commands/install-plugin.ts')).installPlugin(globals(), options));
}
