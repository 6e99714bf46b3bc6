// SPDX-License-Identifier: Apache-2.0
import { describe, expect, spyOn, test } from 'bun:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ChangefeedTail } from './changefeed-tail.ts';
import type { Change, ChangeQuery } from './metadata-storage.ts';

const change = (id: number): Change => ({
  id: String(id),
  createdAt: new Date(0),
  gun: 'example.com/app',
  version: id,
  sha256: '',
  category: 'update',
});

/** A changefeed whose entries become visible in any order, and what a tail of it handed on. */
function stage() {
  const visible = new Set<number>();
  const handedOn: number[] = [];
  const time = { ms: 0 };
  const asked: ChangeQuery[] = [];
  const changes = async (query: ChangeQuery) => {
    asked.push(query);
    const sorted = [...visible].sort((a, b) => a - b);
    if (query.from === 'newest') return sorted.slice(-query.limit).map(change);
    return sorted
      .filter((id) => id > (query.bound ?? 0))
      .slice(0, query.limit)
      .map(change);
  };
  const lastChange = async () => {
    await turn();
    return Math.max(0, ...visible);
  };
  const storage = { changes, lastChange };
  const tail = new ChangefeedTail(storage, {
    onChange: ({ id }) => void handedOn.push(Number(id)),
    elapsed: () => time.ms,
  });
  return { visible, handedOn, time, asked, storage, tail };
}

describe('ChangefeedTail', () => {
  test('what was written before the first question needs no handing on', async () => {
    const { visible, handedOn, tail } = stage();
    for (const id of [1, 2, 3]) visible.add(id);
    await tail.caughtUp();
    visible.add(4);
    await tail.caughtUp();
    expect(handedOn).toEqual([4]);
  });

  test('a change whose ID is lower than one that was seen is not missed', async () => {
    const { visible, handedOn, tail } = stage();
    await tail.caughtUp();
    visible.add(2);
    await tail.caughtUp();
    visible.add(1);
    await tail.caughtUp();
    expect(handedOn).toEqual([2, 1]);
  });

  test('an ID that never comes is given up, and nothing is read again and again', async () => {
    const { visible, time, asked, tail } = stage();
    await tail.caughtUp();
    for (const id of [2, 3]) visible.add(id);
    await tail.caughtUp();
    time.ms = 30_000;
    await tail.caughtUp();
    asked.length = 0;
    await tail.caughtUp();
    expect(asked).toEqual([]);
  });

  test('many who ask at once share one question, and none is answered by one asked before it', async () => {
    const { visible, handedOn, asked, tail } = stage();
    await tail.caughtUp();
    asked.length = 0;
    const first = tail.caughtUp();
    await Promise.resolve();
    visible.add(1);
    await Promise.all([first, ...Array.from({ length: 100 }, () => tail.caughtUp())]);
    expect(handedOn).toEqual([1]);
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  test('those who ask again soon after they were answered wait for one another, and soon share every question', async () => {
    const { storage, tail } = stage();
    await tail.caughtUp();
    const questions = spyOn(storage, 'lastChange');
    // each answer is on its way for a turn of the event loop, and the client's next request for another
    const client = async () => {
      for (let round = 0; round < 20; round++) {
        await tail.caughtUp();
        await turn();
        await turn();
      }
    };
    const half = () => Array.from({ length: 8 }, client);
    const first = half();
    await turn();
    await turn();
    await Promise.all([...first, ...half()]);
    // two halves that never met would ask 40
    expect(questions.mock.calls.length).toBeLessThan(30);
  });

  test('a storage that fails is told to whoever asked, and asked again by the next', async () => {
    let works = false;
    const handedOn: string[] = [];
    const changes = async () => {
      if (!works) throw new Error('gone');
      return [change(1)];
    };
    const tail = new ChangefeedTail(
      { changes, lastChange: async () => 1 },
      { onChange: ({ id }) => void handedOn.push(id) },
    );
    await expect(tail.caughtUp()).rejects.toThrow('gone');
    works = true;
    await tail.caughtUp();
    expect(handedOn).toEqual([]);
  });

  test('property: whatever order changes become visible in, each is handed on exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(
          Array.from({ length: 30 }, (_, index) => index + 1),
          { minLength: 1 },
        ),
        fc.integer({ min: 1, max: 5 }),
        async (order, together) => {
          const { visible, handedOn, tail } = stage();
          await tail.caughtUp();
          for (let at = 0; at < order.length; at += together) {
            for (const id of order.slice(at, at + together)) visible.add(id);
            await tail.caughtUp();
          }
          expect(handedOn.toSorted((a, b) => a - b)).toEqual(order.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});
