// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import type { Coordination } from './coordination.ts';

const NOW = new Date('2026-11-23T12:00:00Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);

/** What every implementation of {@link Coordination} must do. */
export function describeCoordination(name: string, make: () => Promise<Coordination>): void {
  describe(`${name}: leases`, () => {
    test('one holder at a time, until it is over or given back', async () => {
      const leases = await make();

      expect(await leases.acquire('renewal', 'one', 1000, NOW)).toBe(true);
      expect(await leases.acquire('renewal', 'two', 1000, later(999))).toBe(false);
      expect(await leases.acquire('other', 'two', 1000, NOW)).toBe(true);
      expect(await leases.acquire('renewal', 'two', 1000, later(1000))).toBe(true);
      expect(await leases.acquire('renewal', 'one', 1000, later(1001))).toBe(false);
      await leases.release('renewal', 'one');
      expect(await leases.acquire('renewal', 'one', 1000, later(1001))).toBe(false);
      await leases.release('renewal', 'two');
      expect(await leases.acquire('renewal', 'one', 1000, later(1001))).toBe(true);
    });

    test('its holder prolongs it', async () => {
      const leases = await make();
      await leases.acquire('renewal', 'one', 1000, NOW);

      expect(await leases.acquire('renewal', 'one', 1000, later(900))).toBe(true);
      expect(await leases.acquire('renewal', 'two', 1000, later(1500))).toBe(false);
    });

    test('of many who ask at once, one gets it', async () => {
      const leases = await make();
      const holders = Array.from({ length: 10 }, (_, index) => `holder ${index}`);
      const got = await Promise.all(holders.map((holder) => leases.acquire('renewal', holder, 1000, NOW)));

      expect(got.filter(Boolean)).toHaveLength(1);
    });
  });

  describe(`${name}: cursors`, () => {
    test('keep a position and what failed at it', async () => {
      const cursors = await make();
      const failed = { position: 7, attempts: 3, failingSince: NOW, retryAt: later(5) };

      expect(await cursors.cursor('webhook ci')).toBeUndefined();
      expect(await cursors.moveCursor('webhook ci', undefined, { position: 7, attempts: 0 })).toBe(true);
      expect(await cursors.cursor('webhook ci')).toEqual({ position: 7, attempts: 0 });
      expect(await cursors.moveCursor('webhook ci', 7, failed)).toBe(true);
      expect(await cursors.cursor('webhook ci')).toEqual(failed);
      expect(await cursors.moveCursor('webhook ci', 7, failed)).toBe(true);
      expect(await cursors.moveCursor('webhook ci', 7, { position: 8, attempts: 0 })).toBe(true);
      expect(await cursors.cursor('webhook ci')).toEqual({ position: 8, attempts: 0 });
    });

    test('are moved only from where they stand', async () => {
      const cursors = await make();
      await cursors.moveCursor('a', undefined, { position: 5, attempts: 0 });

      expect(await cursors.moveCursor('a', 4, { position: 6, attempts: 0 })).toBe(false);
      expect(await cursors.moveCursor('a', undefined, { position: 6, attempts: 0 })).toBe(false);
      expect(await cursors.moveCursor('b', 0, { position: 6, attempts: 0 })).toBe(false);
      expect((await cursors.cursor('a'))?.position).toBe(5);
    });

    test('of many who move one at once, one does', async () => {
      const cursors = await make();
      const move = (from: number | undefined, to: number) =>
        Promise.all(
          Array.from({ length: 10 }, (_, n) => cursors.moveCursor('a', from, { position: to + n, attempts: 0 })),
        );

      expect((await move(undefined, 1)).filter(Boolean)).toHaveLength(1);
      expect((await move((await cursors.cursor('a'))?.position, 100)).filter(Boolean)).toHaveLength(1);
    });
  });
}
