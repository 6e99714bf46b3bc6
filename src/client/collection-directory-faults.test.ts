// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { runFaults } from '../../test/faults/start.ts';

test('an archive that cannot be replaced, whichever write fails, stays as it was', async () => {
  expect((await runFaults('an archive is replaced')).harm).toEqual([]);
}, 60_000);
