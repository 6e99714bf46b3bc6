// SPDX-License-Identifier: Apache-2.0
import type { StoredFile } from './storage/index.ts';

/** Seconds for which others may keep a file; 0 forbids it. */
export interface CacheAges {
  /** Files asked for by role alone. */
  readonly current: number;
  /** Files asked for by hash or version, which never change. */
  readonly consistent: number;
}

/** Notary's defaults (reference 6.2). */
export const DEFAULT_CACHE_AGES: CacheAges = { current: 300, consistent: 2_592_000 };

/** Notary labels everything but errors as text. */
const TEXT = 'text/plain; charset=utf-8';

/** What has been said of files that are served again and again, for as long as they stay in memory. */
const described = new WeakMap<StoredFile, Description>();

interface Description {
  readonly kind: keyof CacheAges;
  readonly ages: CacheAges;
  readonly audience: 'public' | 'private';
  readonly init: ResponseInit;
}

/**
 * Metadata leaves byte for byte as it came. What somebody had to show credentials for is theirs to keep alone: a shared
 * cache that read `public` would hand it to whoever asks next.
 */
export function metadataResponse(
  file: StoredFile,
  kind: keyof CacheAges,
  ages: CacheAges,
  audience: 'public' | 'private',
): Response {
  const known = described.get(file);
  const isKnown = known?.kind === kind && known.ages === ages && known.audience === audience;
  const description = isKnown ? known : describe(file, kind, ages, audience);
  return new Response(file.bytes as Uint8Array<ArrayBuffer>, description.init);
}

/** The last way of asking alone is kept: a file is asked for in one way again and again. */
function describe(
  file: StoredFile,
  kind: keyof CacheAges,
  ages: CacheAges,
  audience: 'public' | 'private',
): Description {
  const modified = file.createdAt?.toUTCString().replace('GMT', 'UTC') ?? 'Mon, 01 Jan 0001 00:00:00 UTC';
  const headers = { 'Content-Type': TEXT, 'Last-Modified': modified, ...cacheHeaders(kind, ages[kind], audience) };
  const description = { kind, ages, audience, init: { headers } };
  described.set(file, description);
  return description;
}

function cacheHeaders(kind: keyof CacheAges, age: number, audience: 'public' | 'private'): Record<string, string> {
  if (age === 0) return { 'Cache-Control': 'max-age=0, no-cache, no-store', Pragma: 'no-cache' };
  const revalidate = kind === 'current' ? ', must-revalidate' : '';
  const shared = audience === 'public' ? `, s-maxage=${age}` : '';
  return { 'Cache-Control': `${audience}, max-age=${age}${shared}${revalidate}` };
}

export function textResponse(text: string): Response {
  return new Response(text, { headers: { 'Content-Type': TEXT } });
}
