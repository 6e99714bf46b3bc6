// SPDX-License-Identifier: Apache-2.0
import type { Stage } from './stage.ts';

/** Each at a machine of their own: keys, trust data and passphrases in a home that nobody shares. */
export type Person = 'alice' | 'carol' | 'bob' | 'dave' | 'mallory';

/** What the commands of one run are about. */
export interface Names {
  /** `localhost:5000/lab/moved-tag` */
  readonly repository: string;
  readonly images: Readonly<Record<Image, LabImage>>;
  /** A path that is free, in the directory of this run. */
  file(name: string): string;
  /** The name of a person's home on the stage: another in each run. */
  home(who: Person): string;
}

/** Images that the exercises push: two of Alice's, one of Mallory's. */
export type Image = 'good' | 'better' | 'evil';

export interface LabImage {
  /** The directory of its OCI layout. */
  readonly path: string;
  readonly digest: string;
}

/** How a command ended, and what it said. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real command, run for real. */
export interface RunStep {
  readonly who: Person;
  readonly command: (names: Names) => readonly string[];
  /** `refused` is exit code 3: the evidence is bad. */
  readonly ends: 'done' | 'failed' | 'refused';
  /** What is to be seen by it. */
  readonly so: string;
  /** What its answer must be, beside the exit code. */
  readonly answer?: (outcome: Outcome, names: Names) => boolean;
}

/** What happens beside the command line: a theft, a replay, the passing of time. */
export interface ActStep {
  readonly told: string;
  readonly act: (stage: Stage, names: Names) => Promise<void> | void;
}

export type Step = RunStep | ActStep;

export interface Exercise {
  /** Names its repository too: `moved-tag`. */
  readonly slug: string;
  readonly title: string;
  readonly part: 'Sign and verify' | 'Attack' | 'Steal and recover';
  /** Three sentences: what is at stake, what is done, what to look at. */
  readonly about: string;
  /** The step of the TUF specification 1.0.34, or the rule, that refuses the attack. */
  readonly rule?: string;
  readonly steps: readonly Step[];
}

export function isRun(step: Step): step is RunStep {
  return 'command' in step;
}
