// SPDX-License-Identifier: Apache-2.0

import { type Command, CommanderError } from 'commander';
import type { ImageReference } from '../registry/index.ts';
import { commandTree, groupsFor, usageCodeFor } from './command-tree.ts';
import type { CommandContext } from './context.ts';
import { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { oneLine } from './one-line.ts';
import type { Session } from './session.ts';
import type { GlobalOptions } from './settings.ts';
import type { SessionManners, TrustView } from './trust-view.ts';

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
  let called = 'hallmark';
  const parts: Partial<Parts> = {};
  const context = (globals: GlobalOptions): CommandContext => ({
    io,
    globals,
    view: (reference) => opened(new (loaded(parts.TrustView))(io, globals, reference, parts.manners?.(reference))),
    open: (reference) => opened(new (loaded(parts.Session))(io, globals, reference, parts.manners?.(reference))),
  });
  const program = await commandTree(io, context, run, groupsFor(argv));
  program.hook('preAction', async (_, command) => {
    called = nameOf(command);
    Object.assign(parts, await import('./trust-view.ts'));
    if (!LOOKS_ONLY.has(command.name())) Object.assign(parts, await import('./session.ts'));
    Object.assign(parts, await mannersOfPolicy(io, program.opts<GlobalOptions>()));
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : usageCodeFor(argv);
    const { failureOf } = await import('./errors.ts');
    const failure = failureOf(error, subject, called);
    io.stderr.write(`${oneLine(failure.message)}\n`);
    if (failure.hint !== undefined) io.stderr.write(`hint: ${oneLine(failure.hint)}\n`);
    if (io.env.HALLMARK_DEBUG) io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    if (failure.exitCode === ExitCode.usage) return usageCodeFor(argv);
    return failure.exitCode === ExitCode.done ? ExitCode.failed : failure.exitCode;
  }
}

/** `hallmark key rotate` */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
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
