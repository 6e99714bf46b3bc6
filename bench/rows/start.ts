// SPDX-License-Identifier: Apache-2.0
import type { Row } from '../row.ts';
import { hallmark, program } from '../support/programs.ts';
import { inTurns, median, timeProcess } from '../support/timing.ts';
import { environment } from '../support/workspace.ts';

/** What every call of the command line pays before it does anything. */
export const start: Row = {
  name: 'start',
  title: 'Start of a process',
  needs: ['notary'],
  async measure(workspace, { processPairs }) {
    const env = environment(workspace.makeDirectory('home'));
    const ours = () => timeProcess({ argv: [hallmark, '--version'], env }, /^\d+\.\d+/);
    const theirs = () => timeProcess({ argv: [program('notary'), 'version'], env }, /notary/);
    await inTurns(2, ours, theirs);
    const { a, b } = await inTurns(processPairs, ours, theirs);
    const what = '`hallmark --version` / `notary version`';
    return [{ what, unit: 'ms', hallmark: median(a), original: median(b), goal: '≤ 15 ms' }];
  },
};
