// SPDX-License-Identifier: Apache-2.0
import { PatternError } from './pattern.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Milliseconds of a span that the schema let pass: `90s`, `15m`, `12h`, `30d`. */
export function parseSpan(text: string): number {
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? 0);
}

/** `30d` for 2,592,000,000: the largest unit that leaves no rest. */
export function spanText(milliseconds: number): string {
  const unit = ['d', 'h', 'm'].find((name) => milliseconds % (UNITS[name] ?? 1) === 0) ?? 's';
  return `${milliseconds / (UNITS[unit] ?? 1000)}${unit}`;
}

/** A trust server: https, or http on loopback alone, without a password in the address. @throws PatternError */
export function checkServerUrl(text: string): void {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))))
    throw new PatternError('a trust server is an https URL');
  // the address is told in explanations and logs
  if (url.username !== '' || url.password !== '')
    throw new PatternError('a trust server URL must not hold a user or password');
  if (url.search !== '' || url.hash !== '') throw new PatternError('a trust server URL has no query and no fragment');
}
