// SPDX-License-Identifier: Apache-2.0

/** What a read of one file of a collection asks for, in the words of its path. */
export interface PlainRead {
  readonly gun: string;
  readonly file: string;
}

/** Longer than any path of the API; matching a route may cost more than linear time (S31). */
export const MAX_PATH = 2048;

/** A path as clients write it: no escape, no query, no empty or dotted component. */
const PLAIN = /^https?:\/\/[^/]+\/v2\/([\w.:-]+(?:\/[\w.:-]+)*)\/_trust\/tuf\/([\w.-]+(?:\/[\w.-]+)*\.json)$/;

/** At most 8 MB, however long they are; who asks for more pays for the reading of what they ask. */
const MOST = 4096;
const known = new Map<string, PlainRead>();

/**
 * What nearly every request is, by its URL, which is read once for as long as it is asked for; `undefined` for whatever is not
 * spelled plainly. It is a function of the URL alone: neither what is stored nor anybody's rights are remembered.
 */
export function plainRead({ method, url }: Request): PlainRead | undefined {
  return method === 'GET' ? (known.get(url) ?? parse(url)) : undefined;
}

function parse(url: string): PlainRead | undefined {
  if (url.length > MAX_PATH || url.includes('/.')) return undefined;
  const [, gun, file] = PLAIN.exec(url) ?? [];
  if (gun === undefined || file === undefined) return undefined;
  const read = { gun, file };
  if (known.size >= MOST) known.clear();
  known.set(url, read);
  return read;
}
