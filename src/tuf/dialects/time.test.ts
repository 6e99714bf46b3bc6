// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { refused } from '../../../test/support/refusals.ts';
import { formatTime, isGoTime, parseTime } from './time.ts';

describe('parseTime', () => {
  for (const [text, expected] of [
    ['2026-12-06T13:08:01.345858644Z', '2026-12-06T13:08:01.345Z'],
    ['2036-11-19T08:40:01.821734495-05:00', '2036-11-19T13:40:01.821Z'],
    ['2030-01-01T00:00:00+02:00', '2029-12-31T22:00:00.000Z'],
    ['2030-01-01T00:00:00.1Z', '2030-01-01T00:00:00.100Z'],
    ['2028-02-29T23:59:59Z', '2028-02-29T23:59:59.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ] as const) {
    test(`reads ${text}`, () => {
      expect(parseTime(text).toISOString()).toBe(expected);
    });
  }

  for (const text of [
    '',
    '2030-01-01',
    '2030-01-01 00:00:00Z',
    '2030-01-01T00:00:00',
    '2030-01-01t00:00:00z',
    '2030-01-01T00:00Z',
    '2030-13-01T00:00:00Z',
    '2030-00-01T00:00:00Z',
    '2027-02-29T00:00:00Z',
    '2030-01-32T00:00:00Z',
    '2030-01-01T24:00:00Z',
    '2030-01-01T00:60:00Z',
    '2030-01-01T00:00:60Z',
    '2030-01-01T00:00:00.Z',
    '2030-01-01T00:00:00.1234567890Z',
    '2030-01-01T00:00:00+24:00',
    '2030-01-01T00:00:00+00:60',
    '+2030-01-01T00:00:00Z',
    '02030-01-01T00:00:00Z',
    '2030-01-01T00:00:00Z\n',
    ' 2030-01-01T00:00:00Z',
    'never',
  ]) {
    test(`refuses ${JSON.stringify(text)}: a date that cannot be read never passes for one far ahead`, () => {
      refused(() => parseTime(text), { name: 'MetadataError', code: 'malformed' });
    });
  }

  test('what is written is read again, and is what Go would write', () => {
    const dates = fc.date({ min: new Date('1970-01-01Z'), max: new Date('9999-12-31Z'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        const text = formatTime(date);
        expect(parseTime(text)).toEqual(date);
        expect(isGoTime(text)).toBe(true);
      }),
    );
  });
});
