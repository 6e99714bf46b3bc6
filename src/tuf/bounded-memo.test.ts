// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { BoundedMemo } from './bounded-memo.ts';

test('S23 keeps the last answers, and as many as it is told', () => {
  const memo = new BoundedMemo<string, number>(2);
  const made: string[] = [];
  const ask = (key: string) => memo.get(key, () => made.push(key));

  for (const key of ['a', 'b', 'a', 'c', 'b', 'c', 'a']) ask(key);

  expect(made).toEqual(['a', 'b', 'c', 'a']);
});

test('keeps neither what was thrown nor nothing', () => {
  const memo = new BoundedMemo<string, number | undefined>(2);
  const fail = () => {
    throw new Error('bad');
  };

  expect(() => memo.get('a', fail)).toThrow('bad');
  expect(memo.get('a', () => undefined)).toBeUndefined();
  expect(memo.get('a', () => 1)).toBe(1);
});
