// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, spyOn, test } from 'bun:test';
import { basic, closeDoors, Door, hashOf, READ } from '../../../test/support/htpasswd-door.ts';
import { TooManyAttemptsError } from './authenticator.ts';

afterAll(closeDoors);

describe('guessing passwords', () => {
  test('an address that failed often waits, others do not, nor whoever is known', async () => {
    const door = await new Door().open();
    const ann = basic('ann', 'secret-of-ann');
    expect(await door.enter(ann, READ, '192.0.2.1')).toBe('ann');
    const guess = (password: string) => door.enter(basic('ann', password), READ, '192.0.2.1');
    for (let i = 0; i < 20; i++) expect(await guess(`guess ${i}`)).toBeUndefined();

    await expect(guess('one more')).rejects.toBeInstanceOf(TooManyAttemptsError);
    expect(await door.enter(ann, READ, '192.0.2.1')).toBe('ann');
    const bob = basic('bob', 'secret-of-bob');
    await expect(door.enter(bob, READ, '192.0.2.1')).rejects.toBeInstanceOf(TooManyAttemptsError);
    expect(await door.enter(bob, READ, '192.0.2.2')).toBe('bob');
    door.elapsed += 60_000;
    expect(await guess('secret-of-ann')).toBe('ann');
  });

  test('many at once are no more than many in a row, and a network of IPv6 is one address', async () => {
    const door = await new Door().open();
    const guesses = Array.from({ length: 40 }, (_, i) =>
      door.enter(basic('ann', `guess ${i}`), READ, `2001:db8::${i.toString(16)}`).then(
        () => 'judged',
        () => 'to wait',
      ),
    );
    const outcomes = await Promise.all(guesses);

    // two are under way when the last failure is counted
    const judged = outcomes.filter((outcome) => outcome === 'judged').length;
    expect(judged).toBeGreaterThanOrEqual(20);
    expect(judged).toBeLessThanOrEqual(22);
    expect(await door.enter(basic('ann', 'secret-of-ann'), READ, '2001:db8:0:1::1')).toBe('ann');
  });

  test('whoever has to wait takes no place from others', async () => {
    const door = await new Door().open();
    for (let i = 0; i < 20; i++) await door.enter(basic('ann', `guess ${i}`), READ, '192.0.2.1');
    const blocked = Array.from({ length: 300 }, () =>
      door.enter(basic('ann', 'x'), READ, '192.0.2.1').catch(() => 'to wait'),
    );

    expect(await door.enter(basic('bob', 'secret-of-bob'), READ, '192.0.2.2')).toBe('bob');
    expect(new Set(await Promise.all(blocked))).toEqual(new Set(['to wait']));
  });

  test('what was right is worked out again after a minute', async () => {
    const door = await new Door().open();
    const verify = spyOn(Bun.password, 'verify');
    const enter = () => door.enter(basic('ann', 'secret-of-ann'), READ);

    expect([await enter(), await enter(), verify.mock.calls.length]).toEqual(['ann', 'ann', 1]);
    door.elapsed += 60_000;
    expect([await enter(), verify.mock.calls.length]).toEqual(['ann', 2]);
    verify.mockRestore();
  });

  test('a password beyond what bcrypt sees is no password, however its hash was made', async () => {
    const long = 'x'.repeat(73);
    const door = await new Door().open({}, [`ann:${hashOf(long)}`, `bob:${hashOf('x'.repeat(72))}`]);

    expect(await door.enter(basic('ann', long), READ)).toBeUndefined();
    expect(await door.enter(basic('bob', 'x'.repeat(72)), READ)).toBe('bob');
  });

  test('logins that succeed are no guesses, many at once behind one address neither', async () => {
    const door = await new Door().open();
    const ann = basic('ann', 'secret-of-ann');
    const names = await Promise.all(Array.from({ length: 100 }, () => door.enter(ann, READ, '192.0.2.1')));
    expect(new Set(names)).toEqual(new Set(['ann']));
  });

  test('S32 of very many at once only some are checked, the others are told to come again', async () => {
    const door = await new Door().open();
    const outcomes = await Promise.all(
      Array.from({ length: 250 }, (_, i) =>
        door.enter(basic('ann', 'wrong'), READ, `192.0.2.${i}`).then(
          () => 'judged',
          () => 'to wait',
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'judged')).toHaveLength(202);
    expect(await door.enter(basic('ann', 'secret-of-ann'), READ, '192.0.2.1')).toBe('ann');
  });
});
