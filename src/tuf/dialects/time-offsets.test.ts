// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { refused } from '../../../test/support/refusals.ts';
import { parseTime } from './time.ts';

test('offsets go to 23:59', () => {
  expect(parseTime('2030-01-01T23:59:00+23:59').toISOString()).toBe('2030-01-01T00:00:00.000Z');
  for (const offset of ['+24:00', '-24:00', '+00:60', '+99:99'])
    refused(() => parseTime(`2030-01-01T00:00:00${offset}`), { name: 'MetadataError', code: 'malformed' });
});
