// SPDX-License-Identifier: Apache-2.0
import pc from 'picocolors';
import type { Environment, Exercise, Outcome, Person, Player } from '../../../lab/index.ts';
import { type RunCommand, runCaptured } from '../../captured-run.ts';
import type { Io } from '../../io.ts';
import { isTerminal, readAnswer } from '../../prompts.ts';

const WIDTH = 96;

/** Plays exercises in a terminal: waits for the reader before each command, unless it is told not to. */
export class LabTerminal implements Player {
  readonly #io: Io;
  readonly #run: RunCommand;
  readonly #waits: boolean;
  readonly #colors: ReturnType<typeof pc.createColors>;
  #lastTranscript = '';

  constructor(io: Io, run: RunCommand, waits: boolean) {
    this.#io = io;
    this.#run = run;
    this.#waits = waits && isTerminal(io);
    this.#colors = pc.createColors(io.stdout.isTerminal && !io.env.NO_COLOR);
  }

  begin({ title, about, rule }: Exercise, number: number): void {
    this.#write(`\n${this.#colors.bold(`${number}. ${title}`)}\n`);
    for (const line of folded(about)) this.#write(`   ${line}\n`);
    if (rule !== undefined) this.#write(`   ${this.#colors.dim(`What refuses it: ${rule}.`)}\n`);
    this.#write('\n');
  }

  async ready(who: Person, argv: readonly string[]): Promise<void> {
    this.#write(`   ${this.#colors.cyan(`${who}$ hallmark ${argv.join(' ')}`)}\n`);
    if (this.#waits) await readAnswer(this.#io, '   [Enter] runs it ');
  }

  async run(argv: readonly string[], env: Environment, now: () => Date): Promise<Outcome> {
    const ran = await runCaptured(this.#run, argv, this.#io, { env, now });
    this.#lastTranscript = ran.transcript;
    return ran;
  }

  ran(): void {
    for (const line of this.#lastTranscript.split('\n').filter((text) => text !== ''))
      this.#write(`     ${this.#colors.dim(line)}\n`);
  }

  happened(told: string): void {
    this.#write(`   ${this.#colors.yellow(`* ${told}`)}\n`);
  }

  judged(so: string, kept: boolean): void {
    this.#write(`   ${kept ? this.#colors.green('ok') : this.#colors.red('FAILED')} ${so}\n`);
  }

  /** What the reader wants after an exercise. */
  async next(last: boolean): Promise<'next' | 'again' | 'stop'> {
    if (!this.#waits) return 'next';
    const question = `\n   [Enter] ${last ? 'ends' : 'goes on'}, r repeats, q stops `;
    const answer = (await readAnswer(this.#io, question)).toLowerCase();
    return answer === 'q' ? 'stop' : answer === 'r' ? 'again' : 'next';
  }

  end(count: number): void {
    this.#write(`\n${count} ${count === 1 ? 'exercise' : 'exercises'}: everything went as it should.\n`);
  }

  #write(text: string): void {
    this.#io.stdout.write(text);
  }
}

function folded(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
