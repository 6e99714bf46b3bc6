// SPDX-License-Identifier: Apache-2.0

/**
 * Image patterns: `REGISTRY/PATH[:TAG]`, anchored at both ends. A part between slashes, and the tag, may hold one `*`, which
 * stands for any run of characters of that part, also none; `**` as the last part stands for one or more parts, and `**`
 * alone for every image. One star to a part makes matching linear and the question whether two patterns can meet exact
 * (S31); there are no regular expressions.
 */
export interface ImagePattern {
  readonly text: string;
  readonly parts: readonly Glob[];
  /** The last part is `**`. */
  readonly isOpen: boolean;
  readonly tag: Glob | undefined;
}

/** What a rule is chosen by: the names as {@link canonicalName} spells them. */
export interface ImageName {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string | undefined;
}

/** Text before and after the one star; without a star `tail` is undefined and `head` the whole. */
interface Glob {
  readonly head: string;
  readonly tail: string | undefined;
}

const MAX_TEXT = 512;
const HUB = 'docker.io';
const HUB_ALIASES: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);
const PART = /^[A-Za-z0-9._:[\]-]*\*?[A-Za-z0-9._:[\]-]*$/;
const TAG = /^[A-Za-z0-9_.-]*\*?[A-Za-z0-9_.-]*$/;

/** Text that is no pattern; the message says what is wrong with it. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** @throws PatternError */
export function parsePattern(text: string): ImagePattern {
  if (text.length > MAX_TEXT) throw new PatternError(`pattern of more than ${MAX_TEXT} characters`);
  const { name, tag } = splitTag(text);
  const names = name.split('/');
  const isOpen = names.at(-1) === '**';
  const closed = isOpen ? names.slice(0, -1) : names;
  for (const part of closed) requirePart(part, text);
  if (!isOpen && names.length < 2)
    throw new PatternError(`${quoted(text)} names no repository: write ${text}/** for a whole registry`);
  const [registry] = closed;
  if (registry !== undefined && !looksLikeRegistry(registry))
    throw new PatternError(`${quoted(text)} names no registry: write docker.io/${text}`);
  if (tag === '' || (tag !== undefined && !TAG.test(tag))) throw new PatternError(`${quoted(text)} has a bad tag`);
  const parts = closed.map((part, at) => globOf(at === 0 ? canonicalDomain(part) : part));
  // docker.io/alpine is docker.io/library/alpine
  if (!isOpen && parts.length === 2 && parts[0]?.head === HUB && parts[0].tail === undefined)
    parts.splice(1, 0, globOf('library'));
  return { text, parts, isOpen, tag: tag === undefined || tag === '*' ? undefined : globOf(tag) };
}

/** Whether the pattern covers an image; a pattern with a tag covers no image without one. */
export function matches(pattern: ImagePattern, name: ImageName): boolean {
  const { parts, isOpen, tag } = pattern;
  const names = [name.domain, ...name.path.split('/')];
  if (isOpen ? names.length <= parts.length : names.length !== parts.length) return false;
  if (!parts.every((part, at) => globMatches(part, names[at] ?? ''))) return false;
  return tag === undefined || (name.tag !== undefined && globMatches(tag, name.tag));
}

/**
 * Which of two patterns is more specific: read from the left, the first part in which they differ in rank decides: plain text
 * before text with a star (the more plain characters the better) before `*` before `**`; then the tag likewise, a tag before none.
 * @returns negative if `a` is, positive if `b` is, 0 for a tie
 */
export function compareSpecificity(a: ImagePattern, b: ImagePattern): number {
  const [x, y] = [ranks(a), ranks(b)];
  for (let at = 0; at < Math.max(x.length, y.length); at++) {
    const order = (y[at] ?? 0) - (x[at] ?? 0);
    if (order !== 0) return order;
  }
  return tagRank(b) - tagRank(a);
}

/** Whether there can be an image that both cover. */
export function canMeet(a: ImagePattern, b: ImagePattern): boolean {
  if (!a.isOpen && !b.isOpen && a.parts.length !== b.parts.length) return false;
  if (a.isOpen && !b.isOpen && b.parts.length <= a.parts.length) return false;
  if (b.isOpen && !a.isOpen && a.parts.length <= b.parts.length) return false;
  const shared = Math.min(a.parts.length, b.parts.length);
  for (let at = 0; at < shared; at++) if (!globsMeet(a.parts[at] as Glob, b.parts[at] as Glob)) return false;
  return a.tag === undefined || b.tag === undefined || globsMeet(a.tag, b.tag);
}

/** What stands in place of the last part's wildcard in a name that the pattern covers; undefined where it has none. */
export function wildcardText(pattern: ImagePattern, name: ImageName): string | undefined {
  const names = [name.domain, ...name.path.split('/')];
  if (pattern.isOpen) return names.slice(pattern.parts.length).join('/');
  const last = pattern.parts.at(-1);
  if (last?.tail === undefined) return undefined;
  const part = names.at(-1) ?? '';
  return part.slice(last.head.length, part.length - last.tail.length);
}

/** How many parts before the last hold a star. */
export function innerWildcards({ parts, isOpen }: ImagePattern): number {
  const inner = isOpen ? parts : parts.slice(0, -1);
  return inner.filter(({ tail }) => tail !== undefined).length;
}

/**
 * One spelling for each registry, so that no other spelling gets around a rule: names of hosts know no case, 443 is the
 * port of https, a port has no leading zeros, an IPv6 address is written short, and Docker Hub has several names.
 */
export function canonicalDomain(domain: string): string {
  const [, text = domain, port] = /^(.*?)(?::([0-9]{1,10}))?$/s.exec(domain.toLowerCase()) ?? [];
  const host = text.startsWith('[') ? (URL.parse(`http://${text}/`)?.hostname ?? text) : text;
  const named = port === undefined || Number(port) === 443 ? host : `${host}:${Number(port)}`;
  return HUB_ALIASES.has(named) ? HUB : named;
}

/** Docker Hub's one-word repositories are below `library/`, under whatever name of the hub they are asked for. */
export function canonicalName({ domain, path, tag }: ImageName): ImageName {
  const canonical = canonicalDomain(domain);
  return { domain: canonical, path: canonical === HUB && !path.includes('/') ? `library/${path}` : path, tag };
}

function splitTag(text: string): { name: string; tag: string | undefined } {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1);
  // a colon in the only part is a registry's port, unless that part is `**`
  if (colon === -1 || (!text.includes('/') && !text.startsWith('**:'))) return { name: text, tag: undefined };
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
}

function requirePart(part: string, text: string): void {
  if (part === '**') throw new PatternError(`${quoted(text)}: ** can only be the last part`);
  if (part === '') throw new PatternError(`${quoted(text)} has an empty part`);
  if (!PART.test(part))
    throw new PatternError(`${quoted(text)}: ${quoted(part)} has more than one * or a bad character`);
}

function looksLikeRegistry(part: string): boolean {
  return /[.:*]/.test(part) || part.toLowerCase() === 'localhost';
}

function globOf(text: string): Glob {
  const star = text.indexOf('*');
  return star === -1 ? { head: text, tail: undefined } : { head: text.slice(0, star), tail: text.slice(star + 1) };
}

function globMatches({ head, tail }: Glob, text: string): boolean {
  if (tail === undefined) return text === head;
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

function globsMeet(a: Glob, b: Glob): boolean {
  if (a.tail === undefined) return globMatches(b, a.head);
  if (b.tail === undefined) return globMatches(a, b.head);
  const heads = a.head.startsWith(b.head) || b.head.startsWith(a.head);
  return heads && (a.tail.endsWith(b.tail) || b.tail.endsWith(a.tail));
}

/** Plain text is above any number of plain characters; `*` alone has none; an open end is below it. */
function rank({ head, tail }: Glob): number {
  return tail === undefined ? MAX_TEXT + 1 : 1 + head.length + tail.length;
}

function ranks({ parts, isOpen }: ImagePattern): readonly number[] {
  return isOpen ? [...parts.map(rank), 0] : parts.map(rank);
}

function tagRank({ tag }: ImagePattern): number {
  return tag === undefined ? 0 : rank(tag);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
