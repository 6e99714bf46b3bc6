// SPDX-License-Identifier: Apache-2.0
import pc from 'picocolors';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';

/** A command line that was run for real, and how it ended. */
export interface Outcome {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Both streams, and what a terminal would have shown of them. */
interface Captured {
  stdout: string;
  stderr: string;
  transcript: string;
}

export type RunCommand = (argv: readonly string[], io: Io) => Promise<ExitCode>;

/** One person of the story, at a machine of their own: their own trust directory and passphrases. */
export interface Person {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Tells the story on the real streams, runs its commands, and remembers whether each ended as it should. */
export class Narrator {
  readonly #io: Io;
  readonly #run: RunCommand;
  readonly #colors: ReturnType<typeof pc.createColors>;
  #step = 0;
  #failures = 0;

  constructor(io: Io, run: RunCommand) {
    this.#io = io;
    this.#run = run;
    this.#colors = pc.createColors(io.stdout.isTerminal && !io.env.NO_COLOR);
  }

  get failures(): number {
    return this.#failures;
  }

  chapter(title: string): void {
    this.#io.stdout.write(`\n${this.#colors.bold(`${++this.#step}. ${title}`)}\n`);
  }

  say(text: string): void {
    this.#io.stdout.write(`   ${text}\n`);
  }

  /** Runs a command as that person, shows it and what it printed. */
  async command(person: Person, argv: readonly string[]): Promise<Outcome> {
    const { outcome, io } = this.#captured(person);
    this.#io.stdout.write(`   ${this.#colors.cyan(`${person.name}$ hallmark ${argv.join(' ')}`)}\n`);
    const exitCode = await this.#run(argv, io);
    const result = { exitCode, stdout: outcome.stdout, stderr: outcome.stderr };
    for (const line of outcome.transcript.split('\n').filter((text) => text !== '')) {
      this.#io.stdout.write(`   ${this.#colors.dim(`  ${line}`)}\n`);
    }
    return result;
  }

  /** A promise of the story: told as kept or broken. */
  expect(promise: string, kept: boolean): void {
    if (!kept) this.#failures++;
    this.#io.stdout.write(`   ${kept ? this.#colors.green('ok') : this.#colors.red('FAILED')} ${promise}\n`);
  }

  #captured({ env }: Person): { outcome: Captured; io: Io } {
    const outcome = { stdout: '', stderr: '', transcript: '' };
    const capture = (key: 'stdout' | 'stderr') => ({
      write: (text: string) => {
        outcome[key] += text;
        outcome.transcript += text;
      },
      isTerminal: false,
      columns: 120,
    });
    const io = { ...this.#io, env, stdin: this.#io.stdin, stdout: capture('stdout'), stderr: capture('stderr') };
    return { outcome, io };
  }
}
