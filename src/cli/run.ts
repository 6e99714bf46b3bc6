// SPDX-License-Identifier: Apache-2.0
import { Command, CommanderError } from 'commander';
import type { CommandContext } from './context.ts';
import { failureOf } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { Session } from './session.ts';
import type { GlobalOptions } from './settings.ts';
import { VERSION } from './version.ts';

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/**
 * Runs one command line. Each command is loaded when it is called, so that a short one starts fast.
 * @returns the exit code; nothing is thrown, and an error is never exit code 0 (S28)
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let subject = '';
  const program = commandTree(io, (globals) => ({
    io,
    globals,
    open: (reference) => {
      const session = new Session(io, globals, reference);
      subject = session.gun;
      return session;
    },
  }));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    const failure = failureOf(error, subject);
    io.stderr.write(`${oneLine(failure.message)}\n`);
    if (failure.hint !== undefined) io.stderr.write(`hint: ${failure.hint}\n`);
    if (io.env.HALLMARK_DEBUG) io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return failure.exitCode === ExitCode.done ? ExitCode.failed : failure.exitCode;
  }
}

/** Names in errors may come from a server: one line, and no control character reaches the terminal. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}+/gu, ' ');
}

function commandTree(io: Io, context: (globals: GlobalOptions) => CommandContext): Command {
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
    .option('--max-staleness <span>', 'when the server cannot be reached, trust data checked so long ago (30m, 12h)')
    .option('--json', 'print the answer as JSON')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError("see 'hallmark --help'")
    .exitOverride();
  const globals = (): CommandContext => context(program.opts<GlobalOptions>());
  addImageCommands(program, globals);
  addTrustCommands(program, globals);
  addServerCommands(program, globals);
  for (const command of program.commands) command.copyInheritedSettings(program);
  program.action(() => {
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
    .action(async (references, options) =>
      (await import('./commands/inspect.ts')).inspect(globals(), references, options),
    );
  program
    .command('sign <reference>')
    .description('sign what a registry serves under a tag, or NAME:TAG@DIGEST')
    .action(async (reference) => (await import('./commands/sign.ts')).sign(globals(), reference));
  program
    .command('revoke <reference>')
    .description('take away the signatures of a tag, or of a whole repository')
    .option('-y, --yes', 'do not ask for confirmation')
    .action(async (reference, options) => (await import('./commands/revoke.ts')).revoke(globals(), reference, options));
}

function addServerCommands(program: Command, globals: () => CommandContext): void {
  program
    .command('up')
    .description('run a trust server with its signing service, all in one process')
    .option('--data <dir>', 'where keys, certificate and trust data are kept', 'hallmark-data')
    .option('--listen <host:port>', 'address of the trust server', '127.0.0.1:4443')
    .option('--registry <host:port>', 'run an embedded registry as well')
    .option('--tls-cert <file>', 'certificate of the trust server (default: its own authority makes one)')
    .option('--tls-key <file>', 'key of that certificate')
    .option('--setup-docker', 'place the authority where Docker and notary look for it')
    .action(async (options) => (await import('./commands/up.ts')).up(globals(), options));
  program
    .command('demo')
    .description('push, sign, pull, and four attacks that are refused, on this machine alone')
    .action(async () => (await import('./commands/demo.ts')).demo(globals(), run));
}
