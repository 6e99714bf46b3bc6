// SPDX-License-Identifier: Apache-2.0
import { TIMESTAMP } from '../tuf/index.ts';
import type { HierarchyKey, HierarchyRole } from './key-hierarchy.ts';
import { naturalOrder } from './natural-order.ts';

const DAY = 86_400_000;
/** What ends sooner is worth a second look; a timestamp lives for two weeks, and is renewed without anybody's doing. */
const SOON_DAYS = 30;
const TIMESTAMP_SOON_DAYS = 3;
const SHORT_ID = 12;
/** Of tags and of paths, whose number and length nobody bounds (S23). */
const NAMES_SHOWN = 5;
const MAX_NAME = 200;

/** How a role stands at `now`: what a picture shows by colour, and text by a word. */
export type Standing = 'valid' | 'soon' | 'expired' | 'refused' | 'empty';

export function standingOf(role: HierarchyRole, now: Date): Standing {
  if (role.refused !== undefined) return 'refused';
  if (role.file === undefined) return 'empty';
  const days = daysUntil(role.file.expires, now);
  if (days < 0) return 'expired';
  return days < (role.role === TIMESTAMP ? TIMESTAMP_SOON_DAYS : SOON_DAYS) ? 'soon' : 'valid';
}

/** All that a picture says of a role, its name first. */
export function roleWords(role: HierarchyRole, now: Date): readonly string[] {
  return [
    role.role,
    fileWords(role, now),
    thresholdWords(role),
    ...role.keys.map((key) => keyWords(key, now)),
    ...pathWords(role),
    ...tagWords(role),
  ];
}

/** `version 3, until 2029-11-24 (1095 days)`. */
export function fileWords(role: HierarchyRole, now: Date): string {
  if (role.refused !== undefined) return `refused: ${plain(role.refused)}`;
  if (role.file === undefined) return 'has signed nothing yet';
  return `version ${role.file.version}, ${untilWords(role.file.expires, now)}`;
}

/** `1 of 2 keys must sign`. */
export function thresholdWords({ threshold, keys }: HierarchyRole): string {
  return `${threshold} of ${keys.length} ${keys.length === 1 ? 'key' : 'keys'} must sign`;
}

/** `3f2b8c901d4e ecdsa, signed, certificate until …`. */
export function keyWords(key: HierarchyKey, now: Date): string {
  const parts = [
    `${key.id.slice(0, SHORT_ID)} ${key.algorithm}`,
    ...(key.signed ? ['signed'] : []),
    ...(key.certificateExpires === undefined ? [] : [`certificate ${untilWords(key.certificateExpires, now)}`]),
  ];
  return parts.join(', ');
}

/** `may sign every tag`, or the beginnings that it is bound to; nothing for a role without paths of its own. */
export function pathWords({ paths }: HierarchyRole): readonly string[] {
  if (paths === undefined) return [];
  if (paths.length === 0) return ['may sign no tag'];
  if (paths.includes('')) return ['may sign every tag'];
  return [`may sign ${namesWords(paths.map((path) => `${path}*`))}`];
}

/** `7 tags: latest, v3, v2, v1, … 3 more`; nothing for a role that signs none by its nature. */
export function tagWords({ file }: HierarchyRole): readonly string[] {
  const tags = file?.tags;
  if (tags === undefined) return [];
  if (tags.length === 0) return ['no tags'];
  const count = `${tags.length} ${tags.length === 1 ? 'tag' : 'tags'}`;
  return [`${count}: ${namesWords([...tags].sort(naturalOrder).reverse())}`];
}

function namesWords(names: readonly string[]): string {
  const shown = names
    .slice(0, NAMES_SHOWN)
    .map((name) => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name));
  const more = names.length - shown.length;
  return `${shown.map(plain).join(', ')}${more > 0 ? `, … ${more} more` : ''}`;
}

/** Names come from others: none may command a terminal, turn the direction of text, or begin a line of its own. */
export function plain(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

function untilWords(end: Date, now: Date): string {
  const days = daysUntil(end, now);
  const date = end.toISOString().slice(0, 10);
  if (days < 0) return `EXPIRED ${date}`;
  return `until ${date} (${Math.floor(days)} ${Math.floor(days) === 1 ? 'day' : 'days'})`;
}

function daysUntil(end: Date, now: Date): number {
  return (end.getTime() - now.getTime()) / DAY;
}
