// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { RateLimiter } from './rate-limit.ts';

function limiter(perSecond: number, burst: number, maxClients?: number) {
  let now = 0;
  const made = new RateLimiter({ perSecond, burst }, () => now, maxClients);
  const wait = (ms: number) => {
    now += ms;
  };
  return { take: (client = 'a') => made.take(client), wait };
}

describe('RateLimiter', () => {
  test('lets a burst through, then says how long to wait, and takes nothing meanwhile', () => {
    const { take, wait } = limiter(0.5, 2);

    expect([take(), take(), take(), take()]).toEqual([0, 0, 2, 2]);
    wait(2000);
    expect([take(), take()]).toEqual([0, 2]);
  });

  test('one client does not spend what another has', () => {
    const { take } = limiter(1, 1);

    expect([take('a'), take('b'), take('a')]).toEqual([0, 0, 1]);
  });

  test('S23 no number of clients takes more memory than is set: who was away longest is forgotten', () => {
    const { take } = limiter(1, 1, 2);

    expect([take('a'), take('b'), take('c'), take('b'), take('a')]).toEqual([0, 0, 0, 1, 0]);
  });

  test('whatever the pauses, no more passes than burst and rate allow', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 200 });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (waits, rate, burst) => {
        const { take, wait } = limiter(rate, burst);
        let passed = 0;
        let total = 0;
        for (const ms of waits) {
          wait(ms);
          total += ms;
          if (take() === 0) passed += 1;
          expect(passed).toBeLessThanOrEqual(burst + (total / 1000) * rate + 1e-6);
        }
      }),
    );
  });
});
