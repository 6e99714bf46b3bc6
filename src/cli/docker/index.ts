// SPDX-License-Identifier: Apache-2.0
/**
 * `docker …` with content trust as DOCKER_CONTENT_TRUST=1 once had it: the real docker, before an engine proxy of its own that
 * lives as long as the command. It understands no flag of any command, so that none can slip past it: what an engine is asked
 * to do is judged where it is asked. As `hallmark docker …`, or by a link called docker that comes first in PATH.
 *
 *     process.exitCode = await runDockerFace(['run', '--rm', 'app:1'], io);
 */

import { TrustCommandError } from '../docker-trust/errors.ts';
import { takeGlobalFlags } from '../docker-trust/global-flags.ts';
import { failureOf } from '../errors.ts';
import type { Io } from '../io.ts';
import { oneLine } from '../one-line.ts';
import { isTrustEnabled } from '../settings.ts';
import { choiceOf } from './choice.ts';
import { realDocker, runDocker } from './real-docker.ts';

/** @returns the exit code of the docker that ran; 1 where it was not run, 125 for a flag of docker itself that is unknown */
export async function runDockerFace(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    if (error instanceof TrustCommandError) {
      io.stderr.write(`docker: ${oneLine(error.message)}\n`);
      return error.exitCode;
    }
    const { message, hint } = failureOf(error, '');
    io.stderr.write(`docker: ${oneLine(message)}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    return 1;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  if (/^(?:-v|--version)$/.test(argv[0] ?? '')) return runDocker(realDocker(io.env), ['--version'], io.env);
  const { env, rest } = takeGlobalFlags(argv, io.env);
  const choice = choiceOf(rest, isTrustEnabled(io, {}));
  switch (choice.kind) {
    case 'trust':
      return (await import('../docker-trust/index.ts')).runDockerTrust(argv, io);
    case 'help': {
      const program = realDocker(io.env);
      io.stderr.write(`${program} answers (HALLMARK_DOCKER names another), with hallmark's content trust around it\n`);
      return runDocker(program, argv, io.env);
    }
    case 'direct':
      return runDocker(realDocker(io.env), argv, io.env);
    case 'unverified': {
      const program = realDocker(io.env);
      io.stderr.write(`content trust is off (${choice.reason}): ${program} runs unverified\n`);
      return runDocker(program, argv, io.env);
    }
    case 'refused':
      io.stderr.write(`docker: content trust: ${choice.reason}\n`);
      return 1;
    case 'push':
      return (await import('../run.ts')).run(['push', ...choice.args], { ...io, env });
    case 'judged': {
      const { runJudged } = await import('./judged.ts');
      return runJudged(realDocker(env), rest, { ...io, env });
    }
    default:
      return choice satisfies never;
  }
}
