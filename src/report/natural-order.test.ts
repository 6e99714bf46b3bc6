// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { naturalOrder } from './natural-order.ts';

test('tags are listed in the order of Docker: numbers by their value, all else by bytes', () => {
  const inOrder = [
    '1',
    '1.0',
    '1.0-rc',
    '1.1',
    '2',
    '02',
    '002',
    '10',
    'A',
    'B2',
    'B10',
    'V1',
    '_x',
    'a',
    'latest',
    'v9',
    'v10',
    'v10.0',
  ];
  expect(inOrder.toReversed().sort(naturalOrder)).toEqual(inOrder);
});

test('a tag comes before those that it is the beginning of', () => {
  expect(naturalOrder('v1', 'v1-alpine')).toBeLessThan(0);
  expect(naturalOrder('v1', 'v1')).toBe(0);
});
