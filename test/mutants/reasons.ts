// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './mutations.ts';

/** Why a mutant may survive. */
interface Reason {
  /** One file, or `*` for all. */
  readonly file: string;
  /** A mutant's name; with `file: "*"`, a regular expression that its name matches. */
  readonly mutant: string;
  readonly reason: string;
}

interface Outcome {
  readonly mutation: Mutation;
  readonly killer: string | undefined;
}

export function readReasons(): readonly Reason[] {
  return JSON.parse(readFileSync(join(import.meta.dir, 'survivors.json'), 'utf8'));
}

/** What a run found. It is sound if every survivor has its reason, and no reason of the files tried is out of date. */
export function judge(
  outcomes: readonly Outcome[],
  reasons: readonly Reason[],
  files: readonly string[],
): { readonly text: string; readonly sound: boolean } {
  const survivors = outcomes.filter(({ killer }) => killer === undefined).map(({ mutation }) => mutation);
  const unexplained = survivors.filter((mutation) => !reasons.some((reason) => covers(reason, mutation)));
  const stale = reasons.filter(
    (reason) => files.includes(reason.file) && !survivors.some((mutation) => covers(reason, mutation)),
  );
  const lines = [
    ...unexplained.map(({ file, line, name }) => `no test fails  ${file}:${line}  ${name}`),
    ...stale.map(({ file, mutant }) => `stale reason   ${file}  ${mutant}`),
    `${outcomes.length} mutants: ${outcomes.length - survivors.length} killed, ${survivors.length} survived` +
      ` (${survivors.length - unexplained.length} for a reason), ${stale.length} stale reasons`,
  ];
  return { text: `${lines.join('\n')}\n`, sound: unexplained.length === 0 && stale.length === 0 };
}

function covers(reason: Reason, { file, name }: Mutation): boolean {
  if (reason.file === '*') return new RegExp(reason.mutant).test(name);
  return reason.file === file && reason.mutant === name;
}
