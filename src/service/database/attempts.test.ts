// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { readAgain, writeAgain } from './attempts.ts';
import { OpenEnded } from './open-ended.ts';

const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01', severity: 'ERROR' });
const duplicate = Object.assign(new Error('duplicate'), { errno: 1062, sqlState: '23000', code: 'ER_DUP_ENTRY' });
const shutdown = Object.assign(new Error('terminating'), { code: '57P01', severity: 'FATAL' });

class Unknown extends Error {}
const unknown = (cause: unknown) => new Unknown('unknown', { cause });
const PATIENCE = [1, 1, 1];

/** Fails with each of these in turn, then succeeds; notes whether it was told that it may be done. */
function failing(...errors: readonly Error[]) {
  const told: boolean[] = [];
  return {
    told,
    work: async (mayBeDone = false) => {
      told.push(mayBeDone);
      const error = errors[told.length - 1];
      if (error !== undefined) throw error;
      return 'done';
    },
  };
}

describe('writeAgain', () => {
  test('a deadlock and a lost connection are tried again', async () => {
    const { work, told } = failing(deadlock, lost, shutdown);

    expect(await writeAgain(work, unknown, PATIENCE)).toBe('done');
    expect(told).toEqual([false, false, false, false]);
  });

  test('what the server refused is not', async () => {
    const { work, told } = failing(duplicate);

    await expect(writeAgain(work, unknown, PATIENCE)).rejects.toBe(duplicate);
    expect(told).toHaveLength(1);
  });

  test('a server that was not there from the beginning is told at once', async () => {
    const { work, told } = failing(refused);

    await expect(writeAgain(work, unknown, PATIENCE)).rejects.toBe(refused);
    expect(told).toHaveLength(1);
  });

  test('after an open end the next attempt knows, also while the server is away', async () => {
    const { work, told } = failing(new OpenEnded(lost), refused);

    expect(await writeAgain(work, unknown, PATIENCE)).toBe('done');
    expect(told).toEqual([false, true, true]);
  });

  test('attempts end, and an outcome that is open stays no refusal', async () => {
    const open = failing(new OpenEnded(lost), refused, refused, refused, refused);
    const closed = failing(deadlock, deadlock, deadlock, deadlock, deadlock);

    await expect(writeAgain(open.work, unknown, PATIENCE)).rejects.toMatchObject({ cause: refused });
    await expect(writeAgain(closed.work, unknown, PATIENCE)).rejects.toBe(deadlock);
    expect([open.told.length, closed.told.length]).toEqual([4, 4]);
  });
});

describe('readAgain', () => {
  test('a lost connection costs no answer; what was refused is told', async () => {
    expect(await readAgain(failing(lost, shutdown).work)).toBe('done');
    await expect(readAgain(failing(duplicate).work)).rejects.toBe(duplicate);
    await expect(readAgain(failing(lost, lost, lost).work)).rejects.toBe(lost);
  });
});
