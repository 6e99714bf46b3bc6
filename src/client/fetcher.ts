// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../tuf/index.ts';
import { DownloadError } from './errors.ts';

/** Where metadata comes from. Nothing that it gives is believed. */
export interface Fetcher {
  /**
   * The named file of a collection, at most `maxLength` bytes; undefined if the server says that it does not exist,
   * which is an answer and no failure.
   * @throws DownloadError
   */
  fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined>;
}

/** As the global `fetch`, with whatever TLS, credentials and proxies its maker gave it. */
export type HttpFetch = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpFetcherOptions {
  /** Base of the trust server, such as `https://notary.example.com`. */
  readonly server: string;
  readonly fetch?: HttpFetch;
  /** For one whole answer, headers and body. */
  readonly timeoutMilliseconds?: number;
}

const DEFAULT_TIMEOUT = 30_000;

/** Path of a collection's metadata on a trust server (reference 6.1). */
export function metadataUrl(server: string, gun: Gun, fileName = ''): string {
  return `${server.replace(/\/+$/, '')}/v2/${gun.split('/').map(encodeSegment).join('/')}/_trust/tuf/${fileName}`;
}

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll('%3A', ':');
}

/** Fetches over HTTP from a trust server. */
export class HttpFetcher implements Fetcher {
  readonly #server: string;
  readonly #fetch: HttpFetch;
  readonly #timeout: number;

  constructor(options: HttpFetcherOptions) {
    this.#server = options.server;
    this.#fetch = options.fetch ?? fetch;
    this.#timeout = options.timeoutMilliseconds ?? DEFAULT_TIMEOUT;
  }

  async fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    const url = metadataUrl(this.#server, gun, fileName);
    return bounded(url, this.#timeout, async (signal) => {
      const response = await this.#fetch(url, { signal, redirect: 'error' });
      if (response.status !== 200) {
        await response.body?.cancel();
        return answerOf(response.status, url);
      }
      return readBody(response, maxLength, url);
    });
  }
}

/** Runs one exchange under a deadline and turns every transport failure into a typed error. @throws DownloadError */
export async function bounded<T>(
  url: string,
  milliseconds: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), milliseconds);
  try {
    return await run(deadline.signal);
  } catch (cause) {
    if (cause instanceof DownloadError) throw cause;
    const { host } = new URL(url);
    if (deadline.signal.aborted) {
      throw new DownloadError('timeout', url, `trust server ${host} gave no answer within ${milliseconds / 1000} s`, {
        cause,
      });
    }
    throw new DownloadError('unreachable', url, `trust server ${host} cannot be reached: ${reasonOf(cause)}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return (
    code ??
    (cause instanceof Error ? cause.message.split('\n')[0]?.replace(/\.$/, '') : undefined) ??
    'connection failed'
  );
}

/** What a status other than 200 means for a client (reference 4.5). */
export function answerOf(status: number, url: string): undefined {
  const { host } = new URL(url);
  if (status === 404) return undefined;
  if (status === 401 || status === 403) {
    throw new DownloadError(
      'unauthorized',
      url,
      `you are not authorized to perform this operation: ${host} returned ${status}`,
      { status },
    );
  }
  if (status === 429 || status >= 500) {
    throw new DownloadError(
      'unavailable',
      url,
      `unable to reach trust server at this time: ${host} returned ${status}`,
      { status },
    );
  }
  throw new DownloadError('rejected', url, `trust server ${host} returned a bad response: ${status}`, { status });
}

/** The whole body, cut off as soon as it exceeds `maxLength` (S23 endless data). @throws DownloadError */
export async function readBody(response: Response, maxLength: number, url: string): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > maxLength) throw tooLarge(url, maxLength);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxLength) throw tooLarge(url, maxLength);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : new Uint8Array(Buffer.concat(chunks));
}

function tooLarge(url: string, maxLength: number): DownloadError {
  return new DownloadError(
    'too-large',
    url,
    `trust server ${new URL(url).host} sent more than the ${maxLength} bytes that were due`,
  );
}
