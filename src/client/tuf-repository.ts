// SPDX-License-Identifier: Apache-2.0
import { encodeHex, quoteText } from '../encoding/index.ts';
import { type FoundTarget, type Gun, MetadataError, VerificationError } from '../tuf/index.ts';
import { DownloadError } from './errors.ts';
import { absent, exchange, type HttpFetch } from './exchange.ts';
import type { Fetcher } from './fetcher.ts';

const DEFAULT_TIMEOUT = 30_000;

export interface TufRepositoryOptions {
  /** Base of the metadata, such as `https://example.com/tuf/metadata`. */
  readonly metadataUrl: string;
  readonly fetch?: HttpFetch;
  /** For one whole metadata file; for a target, for each part of it. */
  readonly timeoutMilliseconds?: number;
}

/** Fetches the metadata of one TUF repository over HTTP. Redirects are not followed (S34). */
export class HttpTufFetcher implements Fetcher {
  readonly #base: string;
  readonly #fetch: HttpFetch;
  readonly #timeout: number;

  constructor(options: TufRepositoryOptions) {
    this.#base = withSlash(options.metadataUrl);
    this.#fetch = options.fetch ?? fetch;
    this.#timeout = options.timeoutMilliseconds ?? DEFAULT_TIMEOUT;
  }

  async fetch(_gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    const url = this.#base + fileName;
    const answer = await exchange(this.#fetch, url, {}, { timeoutMilliseconds: this.#timeout, maxLength });
    if (answer.status === 200) return answer.body;
    // an object store says 403 of what does not exist, to whoever may not list it
    return answer.status === 403 ? undefined : absent(answer, url);
  }
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

const DOTS = new Set(['.', '..']);

/** Where a target lies: under one of its hashes where snapshots are consistent. @throws MetadataError `malformed` */
export function targetUrl(base: string, { path, target }: FoundTarget, consistentSnapshot: boolean): string {
  const segments = path.split('/');
  // S13: a URL would follow these, out of the base
  if (segments.some((segment) => DOTS.has(segment)))
    throw new MetadataError('malformed', `target path ${quoteText(path)} has a segment of dots`);
  const name = segments.pop() ?? '';
  const hash = target.hashes.get('sha256') ?? target.hashes.get('sha512');
  const prefix = consistentSnapshot && hash !== undefined ? `${encodeHex(hash)}.` : '';
  return withSlash(base) + [...segments, prefix + name].map(encodeURIComponent).join('/');
}

/**
 * The bytes of a target as they come, never more than it has (S23). Whoever stores them checks them.
 * @throws DownloadError, VerificationError `length-mismatch`
 */
export async function* fetchTarget(
  url: string,
  { role, path, target }: FoundTarget,
  options: Omit<TufRepositoryOptions, 'metadataUrl'> = {},
): AsyncGenerator<Uint8Array, void> {
  const { fetch: send = fetch, timeoutMilliseconds = DEFAULT_TIMEOUT } = options;
  const deadline = new AbortController();
  let timer = setTimeout(() => deadline.abort(), timeoutMilliseconds);
  try {
    // what was signed are the bytes of the file, not those of a body packed for the way
    const headers = { 'accept-encoding': 'identity' };
    const response = await send(url, { headers, redirect: 'error', signal: deadline.signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      absent(response, url);
      throw new DownloadError('not-found', url, `target ${quoteText(path)} is not there`, { status: response.status });
    }
    let length = 0;
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => deadline.abort(), timeoutMilliseconds);
      length += chunk.length;
      if (length > target.length) throw tooLong(role, path, target.length);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof DownloadError || cause instanceof VerificationError) throw cause;
    const code = deadline.signal.aborted ? 'timeout' : 'unreachable';
    throw new DownloadError(code, url, `target ${quoteText(path)} cannot be fetched: ${code}`, { cause });
  } finally {
    clearTimeout(timer);
    deadline.abort();
  }
}

function tooLong(role: FoundTarget['role'], path: string, length: number): VerificationError {
  const expected = String(length);
  return new VerificationError('length-mismatch', role, `target ${quoteText(path)} has more than ${expected} bytes`, {
    expected,
  });
}
