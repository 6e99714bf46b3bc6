// SPDX-License-Identifier: Apache-2.0
import type { ProgramName } from './support/programs.ts';
import type { Workspace } from './support/workspace.ts';

export type Unit = 'ms' | 'µs/req' | 'req/s' | 'publishes/s' | 'MiB' | 'MiB/s';

/** One line of the table: Hallmark's median, and the original's measured in turns with it. */
export interface Figure {
  readonly what: string;
  readonly unit: Unit;
  readonly hallmark: number;
  /** Absent where there is nothing to compare with. */
  readonly original?: number;
  /** What is aimed at: a ratio to the original (`≤ 0.7 ×`) or an amount. */
  readonly goal?: string;
}

/** How much is done: the quick run shows that everything works, the whole one gives numbers. */
export interface Effort {
  /** Pairs of processes timed one after the other. */
  readonly processPairs: number;
  readonly wrkSeconds: number;
  /** Times that a server is measured, in turns with the other. */
  readonly rounds: number;
  /** Publishes of one round. */
  readonly publishes: number;
  readonly repositories: number;
  /** Numbers of repositories against which reads are measured, each larger than the one before. */
  readonly scale: readonly number[];
  /** Calls of a library function that are timed. */
  readonly calls: number;
}

export const WHOLE: Effort = {
  processPairs: 40,
  wrkSeconds: 5,
  rounds: 2,
  publishes: 240,
  repositories: 10_000,
  scale: [1000, 100_000, 1_000_000],
  calls: 200,
};

export const QUICK: Effort = {
  processPairs: 5,
  wrkSeconds: 1,
  rounds: 1,
  publishes: 40,
  repositories: 500,
  scale: [1000, 10_000],
  calls: 20,
};

/** Something to measure. It returns figures, prints nothing and judges nothing. */
export interface Row {
  readonly name: string;
  /** The heading of its figures. */
  readonly title: string;
  /** Programs without which it is left out. */
  readonly needs: readonly ProgramName[];
  measure(workspace: Workspace, effort: Effort): Promise<readonly Figure[]>;
}
