// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { BoundedMap } from './bounded-map.ts';

test('S32 holds no more weight than it may: what was not used for longest goes first', () => {
  const map = new BoundedMap<string, string>(10);
  map.set('a', 'A', 4);
  map.set('b', 'B', 4);
  expect(map.get('a')).toBe('A');
  map.set('c', 'C', 4);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual(['A', undefined, 'C', 2]);
});

test('a value set again counts once, and one that is too heavy for all is not held', () => {
  const map = new BoundedMap<string, string>(10);
  for (let times = 0; times < 5; times++) map.set('a', 'A', 6);
  expect(map.get('a')).toBe('A');
  map.set('b', 'B', 11);
  expect([map.get('a'), map.get('b')]).toEqual([undefined, undefined]);
});

test('makes what it does not hold, and keeps neither what was thrown nor nothing', () => {
  const map = new BoundedMap<string, number | undefined>(2);
  const made: string[] = [];
  for (const key of ['a', 'b', 'a', 'c', 'b', 'c', 'a']) map.getOrMake(key, () => made.push(key));
  expect(made).toEqual(['a', 'b', 'c', 'b', 'a']);
  const fail = () => {
    throw new Error('bad');
  };
  expect(() => map.getOrMake('d', fail)).toThrow('bad');
  expect(map.getOrMake('d', () => undefined)).toBeUndefined();
  expect(map.getOrMake('d', () => 1)).toBe(1);
});
