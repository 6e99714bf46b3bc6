// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXERCISES, type Exercise, openStage, play, type Stage } from '../../../lab/index.ts';
import type { RunCommand } from '../../captured-run.ts';
import type { CommandContext } from '../../context.ts';
import { ExitCode } from '../../exit-codes.ts';
import { jsonText } from '../../json-text.ts';
import { PartialFailure, UsageError } from '../../usage-error.ts';
import { LabTerminal } from './lab-terminal.ts';

export interface LabOptions {
  readonly list?: boolean;
  readonly exercise?: string;
  readonly auto?: boolean;
}

/** `hallmark lab`: the exercises, each with the real commands, in a terminal at the reader's pace or without a pause. */
export async function lab({ io, globals }: CommandContext, options: LabOptions, run: RunCommand): Promise<void> {
  if (options.list) {
    const listed = EXERCISES.map(({ slug, title, part }, index) => ({ number: index + 1, slug, title, part }));
    const line = ({ number, title, slug }: (typeof listed)[number]) =>
      `${String(number).padStart(2)}. ${title} (${slug})\n`;
    io.stdout.write(globals.json ? jsonText(listed) : listed.map(line).join(''));
    return;
  }
  const chosen = options.exercise === undefined ? EXERCISES : [exerciseOf(options.exercise)];
  const work = await mkdtemp(join(tmpdir(), 'hallmark-lab-'));
  const stage = await openStage(work, () => io.now());
  const terminal = new LabTerminal(io, run, options.auto !== true && io.stdout.isTerminal);
  try {
    await playAll(chosen, stage, work, terminal);
  } finally {
    await stage.close();
    await rm(work, { recursive: true, force: true });
  }
}

async function playAll(chosen: readonly Exercise[], stage: Stage, work: string, terminal: LabTerminal): Promise<void> {
  let broken = 0;
  let played = 0;
  for (const exercise of chosen) {
    let wish: 'next' | 'again' | 'stop';
    do {
      terminal.begin(exercise, EXERCISES.indexOf(exercise) + 1);
      broken += await play(exercise, String(++played), stage, work, terminal);
      wish = await terminal.next(exercise === chosen.at(-1));
    } while (wish === 'again');
    if (wish === 'stop') break;
  }
  if (broken > 0) throw new PartialFailure(`${broken} promises were not kept`, ExitCode.failed);
  terminal.end(played);
}

/** By number or by name. @throws UsageError */
function exerciseOf(text: string): Exercise {
  const found = /^\d+$/.test(text) ? EXERCISES[Number(text) - 1] : EXERCISES.find(({ slug }) => slug === text);
  if (found === undefined) throw new UsageError(`no exercise ${text}: see hallmark lab --list`);
  return found;
}
