// SPDX-License-Identifier: Apache-2.0
import type { Io } from '../io.ts';
import { oneLine } from '../one-line.ts';
import { type Call, type Command, GLOBAL_FLAGS } from './command.ts';
import { type FlagValues, type ParsedLine, parseFlags } from './command-line.ts';
import { type FoundCommand, findCommand } from './command-path.ts';
import { NOTARY } from './commands.ts';
import { NotaryUsageError } from './errors.ts';
import { fatalText } from './fatal.ts';
import { NotaryLog } from './log.ts';
import { loadSettings, type Settings } from './settings.ts';
import { helpOf, usageOf } from './usage.ts';

/**
 * The `notary` command of Notary 0.7: its words, files and exit codes over Hallmark's own client and publisher. All output
 * is on standard output, and standard error has log lines alone; docs/compatibility-notary.md tells where it differs.
 *
 *     await runNotary(['init', 'example.com/app'], io);
 *     await runNotary(['add', 'example.com/app', 'v1', 'app.tar', '-p'], io);
 *
 * @returns the exit code, 0 or 1; nothing is thrown
 */
export async function runNotary(argv: readonly string[], io: Io): Promise<number> {
  const run = new Run(io);
  try {
    await run.command(argv);
    return 0;
  } catch (error) {
    if (error instanceof NotaryUsageError) io.stdout.write(run.usage());
    io.stdout.write(`\n* fatal: ${oneLine(fatalText(error, run.subject()))}\n`);
    if (io.env.HALLMARK_DEBUG) io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }
}

/** One command line on its way, as far as it is understood. */
class Run {
  readonly #io: Io;
  #found: FoundCommand = { path: [NOTARY.name], command: NOTARY, words: [] };
  #line: ParsedLine | undefined;
  #settings: Settings | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  async command(argv: readonly string[]): Promise<void> {
    this.#found = findCommand(NOTARY, argv);
    const { command, words } = this.#found;
    const line = parseFlags(words, [...(command.flags ?? []), ...GLOBAL_FLAGS]);
    this.#line = line;
    const answer = this.#answer(command, line);
    if (answer === undefined) await command.run?.(this.#call(line));
    else this.#io.stdout.write(answer);
  }

  usage(): string {
    return usageOf(this.#found.path, this.#found.command, GLOBAL_FLAGS);
  }

  /** Whom an error is about. */
  subject() {
    const flags = this.#line?.flags;
    const log = new NotaryLog(this.#io, flags === undefined ? 'warning' : levelOf(flags));
    return { server: this.#settings?.server ?? '', gun: this.#line?.args[0] ?? '', log };
  }

  /** What is answered without running anything. */
  #answer(command: Command, line: ParsedLine): string | undefined {
    const isRoot = command === NOTARY;
    if (line.isHelpAsked || (command.run === undefined && !isRoot))
      return helpOf(this.#found.path, command, GLOBAL_FLAGS);
    return isRoot && !line.flags.isOn('version') ? this.usage() : undefined;
  }

  #call({ args, flags }: ParsedLine): Call {
    const io = this.#io;
    const settings = () => {
      this.#settings ??= loadSettings(io, flags);
      return this.#settings;
    };
    return {
      io,
      args,
      flags,
      log: this.subject().log,
      say: (text) => io.stdout.write(text),
      get settings() {
        return settings();
      },
    };
  }
}

function levelOf(flags: FlagValues) {
  if (flags.isOn('debug')) return 'debug';
  return flags.isOn('verbose') ? 'info' : 'warning';
}
