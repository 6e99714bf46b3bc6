// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'bun:test';
import { runFaults } from '../faults/start.ts';
import { promise } from './support/journal.ts';

/** By name, since their sources must not be read in a process whose file system works. */
const SCENARIOS = [
  'update of a trust directory',
  'first use',
  'update after the cache was lost',
  'a repository is forgotten',
  'pins are replaced',
  'keys come, change and go',
  'keys are restored into an empty directory',
  'keys are restored beside others',
  'changes are staged and dropped',
  'a staged update gets another signature',
  'an update is staged',
  "a service's private file is replaced",
  'an image is pushed to the embedded registry',
];

describe('no trust is gained or lost, and everything can be gone on with', () => {
  for (const name of SCENARIOS) {
    promise(`${name}: every write fails once, done or not done`, async () => {
      expect((await runFaults(name)).harm).toEqual([]);
    });

    promise(`${name}: the process is killed before and after every write`, async () => {
      expect((await runFaults(name, 'killed')).harm).toEqual([]);
    });
  }
});
