// SPDX-License-Identifier: Apache-2.0
/** Text that others wrote, made safe to be shown, and a few words in one spelling. */
import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** What has no shape of its own, or turns the direction of what follows (S22). */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u115f\u1160\u3164\uffa0]/gu;

/** Plain text in which nothing is hidden: what cannot be seen is spelled by its number, `[U+202E]`. */
export function plain(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const number = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `[U+${number}]`;
  });
}

/** A name from metadata, a request or a token: escaped, without hidden characters, and with a direction of its own. */
export function named(text: string): Html {
  return html`<bdi>${plain(text)}</bdi>`;
}

const DAY = 86_400_000;

/** `2026-12-01 12:00 UTC`, for people and programs. */
export function moment(date: Date): Html {
  const text = date.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 16)} UTC</time>`;
}

export function day(date: Date): Html {
  const text = date.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)}</time>`;
}

/** `in 12 days`, `today`, `3 days ago`; by whole days of 24 hours. */
export function distance(date: Date, now: Date): string {
  const days = Math.floor((date.getTime() - now.getTime()) / DAY);
  if (days < 0) return days === -1 ? 'within the last day' : `${-days - 1} ${-days - 1 === 1 ? 'day' : 'days'} ago`;
  if (days === 0) return 'within a day';
  return `in ${days} ${days === 1 ? 'day' : 'days'}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

/** Bytes as `1.2 MB`. */
export function bytes(number: number): string {
  if (number < 1000) return `${number} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = number;
  let unit = -1;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
