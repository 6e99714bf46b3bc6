// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'bun:test';
import { faultScenarios, runFaults } from '../faults/start.ts';
import { promise } from './support/journal.ts';

const scenarios = await faultScenarios();

describe('no trust is gained or lost, and everything can be gone on with', () => {
  for (const name of scenarios) {
    promise(`${name}: every write fails once, done or not done`, async () => {
      expect((await runFaults(name)).harm).toEqual([]);
    });

    promise(`${name}: the process is killed before and after every write`, async () => {
      expect((await runFaults(name, 'killed')).harm).toEqual([]);
    });
  }
});
