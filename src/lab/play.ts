// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Exercise,
  type Image,
  isRun,
  type LabImage,
  type Names,
  type Outcome,
  type Person,
  type RunStep,
} from './exercise.ts';
import { writeImage } from './image.ts';
import type { Environment, Stage } from './stage.ts';

/** What plays an exercise for somebody: the terminal, or a test. */
export interface Player {
  /** Runs a command line of `hallmark` as a person would, at the stage's time. */
  run(argv: readonly string[], env: Environment, now: () => Date): Promise<Outcome>;
  /** Before a command is run; resolves when the reader is ready. */
  ready(who: Person, argv: readonly string[]): Promise<void>;
  ran(outcome: Outcome): void;
  /** What happens beside the command line. */
  happened(told: string): void;
  /** Whether what was to be seen was seen. */
  judged(so: string, kept: boolean): void;
}

const EXIT_CODES = { done: 0, failed: 1, refused: 3 } as const;
const GREETINGS: Readonly<Record<Image, string>> = {
  good: 'Hello, this is what Alice signed.',
  better: 'Hello again, with a hole mended.',
  evil: 'Mallory was here.',
};

/**
 * Plays one exercise from its beginning, with people and a repository of its own, so that it can be repeated.
 * @param run tells this run from others of the same exercise
 * @returns how many of its promises were not kept
 */
export async function play(
  exercise: Exercise,
  run: string,
  stage: Stage,
  work: string,
  player: Player,
): Promise<number> {
  const names = await prepare(exercise, run, stage, work);
  let broken = 0;
  stage.attacker.behave();
  for (const step of exercise.steps) {
    if (!isRun(step)) {
      player.happened(step.told);
      await step.act(stage, names);
      continue;
    }
    const argv = step.command(names);
    await player.ready(step.who, argv);
    const outcome = await player.run(argv, await stage.home(names.home(step.who)), () => stage.now());
    player.ran(outcome);
    const kept = isAsExpected(step, outcome, names);
    player.judged(step.so, kept);
    if (!kept) broken++;
  }
  stage.attacker.behave();
  return broken;
}

function isAsExpected({ ends, answer }: RunStep, outcome: Outcome, names: Names): boolean {
  return outcome.exitCode === EXIT_CODES[ends] && (answer?.(outcome, names) ?? true);
}

async function prepare({ slug }: Exercise, run: string, stage: Stage, work: string): Promise<Names> {
  const directory = join(work, `${slug}-${run}`);
  await mkdir(directory, { recursive: true });
  const images: Partial<Record<Image, LabImage>> = {};
  for (const image of Object.keys(GREETINGS) as Image[]) {
    const path = join(directory, image);
    images[image] = { path, digest: await writeImage(path, GREETINGS[image]) };
  }
  const file = (name: string) => join(directory, name);
  return {
    repository: `${stage.registryHost}/lab/${slug}-${run}`,
    images: images as Names['images'],
    file,
    home: (who) => `${slug}-${run}/${who}`,
  };
}
