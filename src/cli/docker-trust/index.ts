// SPDX-License-Identifier: Apache-2.0
/**
 * `docker trust …` on any Docker version: as Docker's CLI plugin, by the name `docker-trust`, or as `hallmark
 * docker-trust`. Docker's flags, prompts, messages and exit codes; what differs on purpose stands with each command and in
 * docs/compatibility.md. It decides nothing about trust, and nothing else of the command line may enter it but here.
 *
 *     process.exitCode = await runDockerTrust(['trust', 'inspect', 'alpine'], io);
 *     process.exitCode = await runDockerTrust(['sign', 'registry.example.com/app:1'], io);
 */
import { parseReference } from '../../registry/index.ts';
import type { Io } from '../io.ts';
import { Session } from '../session.ts';
import { VERSION } from '../version.ts';
import { parseCommandLine } from './command-line.ts';
import type { TrustContext } from './context.ts';
import { describeFailure } from './errors.ts';
import { takeGlobalFlags } from './global-flags.ts';
import { Questions } from './questions.ts';

/** Docker asks every plugin this before it believes that it is one. */
const METADATA_COMMAND = 'docker-cli-plugin-metadata';

/** @returns the exit code as Docker's: 0, 1, or 125 for a flag that does not exist; nothing is thrown */
export async function runDockerTrust(argv: readonly string[], io: Io): Promise<number> {
  if (argv[0] === METADATA_COMMAND) {
    io.stdout.write(`${JSON.stringify(PLUGIN, null, 4)}\n`);
    return 0;
  }
  let subject = '';
  const questions = new Questions(io);
  try {
    const { env, rest } = takeGlobalFlags(argv, io.env);
    const invocation = parseCommandLine(rest[0] === 'trust' ? rest.slice(1) : rest);
    if (invocation.kind === 'help') {
      io.stdout.write(invocation.text);
      return 0;
    }
    const own = { ...io, env };
    const context: TrustContext = {
      io: own,
      questions,
      open(text) {
        const reference = parseReference(text);
        const passphrases = questions.passphrases(env);
        const manners = { passphrases, onNewRootKey: () => undefined, quietFirstUse: true };
        const session = new Session(own, {}, reference, manners);
        subject = session.gun;
        return { session, reference };
      },
    };
    await (await invocation.command.load())(context, invocation.args, invocation.options);
    return 0;
  } catch (error) {
    const { exitCode, text } = describeFailure(error, subject);
    io.stderr.write(text);
    if (io.env.HALLMARK_DEBUG) io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return exitCode;
  } finally {
    questions.close();
  }
}

const PLUGIN = {
  SchemaVersion: '0.1.0',
  Vendor: 'Hallmark',
  Version: VERSION,
  ShortDescription: 'Manage trust on Docker images',
};
