// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { backoff, startLoop, waitFor } from './background-loop.ts';
import { SILENT_LOG } from './index.ts';

/** Runs a loop until it has waited as often as there are steps. */
async function waits(steps: readonly (() => number)[], random = 0.5): Promise<readonly number[]> {
  const waited: number[] = [];
  const done = Promise.withResolvers<void>();
  let step = 0;
  const loop = startLoop(async () => (steps[step++] ?? (() => 0))(), {
    name: 'test',
    log: SILENT_LOG,
    random: () => random,
    wait: async (ms) => {
      waited.push(ms);
      if (waited.length === steps.length) done.resolve();
    },
  });
  await done.promise;
  await loop.stop();
  return waited.slice(0, steps.length);
}

const fail = () => {
  throw new Error('gone');
};

describe('startLoop', () => {
  test('waits as a step says, and longer and longer while it fails', async () => {
    expect(await waits([() => 50, fail, fail, fail, () => 70, fail])).toEqual([50, 1000, 2000, 4000, 70, 1000]);
  });

  test('replicas do not keep step', async () => {
    expect([await waits([() => 100], 0), await waits([() => 100], 1)]).toEqual([[90], [110]]);
  });

  test('stopping ends a wait at once, lets a step end, and begins no other', async () => {
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<number>();
    let steps = 0;
    const loop = startLoop(
      () => {
        steps += 1;
        begun.resolve();
        return end.promise;
      },
      { name: 'test', log: SILENT_LOG },
    );
    await begun.promise;
    const stopped = loop.stop();
    end.resolve(3_600_000);
    await stopped;

    expect(steps).toBe(1);
  });

  test('a wait that was called off before it began is none', async () => {
    expect(await waitFor(3_600_000, AbortSignal.abort())).toBeUndefined();
  });

  test('backoff ends at five minutes', () => {
    expect([1, 2, 9, 10, 1000].map((failures) => backoff(failures))).toEqual([1000, 2000, 256_000, 300_000, 300_000]);
  });
});
