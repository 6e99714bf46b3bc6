// SPDX-License-Identifier: Apache-2.0
import pc from 'picocolors';
import { type CapturedRun, type RunCommand, runCaptured } from '../captured-run.ts';
import type { Io } from '../io.ts';

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
  async command({ name, env }: Person, argv: readonly string[]): Promise<CapturedRun> {
    this.#io.stdout.write(`   ${this.#colors.cyan(`${name}$ hallmark ${argv.join(' ')}`)}\n`);
    const ran = await runCaptured(this.#run, argv, this.#io, { env });
    for (const line of ran.transcript.split('\n').filter((text) => text !== '')) {
      this.#io.stdout.write(`   ${this.#colors.dim(`  ${line}`)}\n`);
    }
    return ran;
  }

  /** A promise of the story: told as kept or broken. */
  expect(promise: string, kept: boolean): void {
    if (!kept) this.#failures++;
    this.#io.stdout.write(`   ${kept ? this.#colors.green('ok') : this.#colors.red('FAILED')} ${promise}\n`);
  }
}
