// SPDX-License-Identifier: Apache-2.0
import { MetadataError } from '../metadata-error.ts';

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** A moment in RFC 3339 as Go writes it; a fraction is cut to milliseconds. @throws MetadataError `malformed` */
export function parseTime(text: string): Date {
  const match = RFC3339.exec(text);
  if (match === null) throw new MetadataError('malformed', '"expires" is not an RFC 3339 time');
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const date = realTime(match.slice(1, 7).map(Number), milliseconds);
  const offset = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  if (date === undefined || Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59) {
    throw new MetadataError('malformed', '"expires" is no real time');
  }
  return new Date(date.getTime() - (match[8] === '-' ? -1 : 1) * offset * 60_000);
}

/** The moment of year, month, day, hour, minute and second in UTC; undefined where there is none such. */
export function realTime(parts: readonly number[], milliseconds = 0): Date | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, milliseconds);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return real ? date : undefined;
}

/** The spelling that Go would write: no trailing zero in a fraction, `Z` for an offset of zero. */
export function isGoTime(text: string): boolean {
  return RFC3339.test(text) && !/\.\d*0(?:Z|[+-])/.test(text) && !/[+-]00:00$/.test(text);
}

/** A moment as Go writes it, in UTC. */
export function formatTime(date: Date): string {
  return date.toISOString().replace(/\.?0*Z$/, 'Z');
}
