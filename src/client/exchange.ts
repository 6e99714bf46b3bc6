// SPDX-License-Identifier: Apache-2.0
import { DownloadError } from './errors.ts';

/** As the global `fetch`, with whatever TLS, credentials and proxies its maker gave it. */
export type HttpFetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ExchangeLimits {
  /** For one whole answer, headers and body. */
  readonly timeoutMilliseconds: number;
  /** Bytes of the body. */
  readonly maxLength: number;
}

/** An answer whose body is read as far as it is of use: with status 200 and 400; else it is empty. */
export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** Seconds until it may be asked again, where a 429 says so (RFC 9110 10.2.3). */
  readonly retryAfter?: number;
}

/**
 * One request and its whole answer, under a deadline and a limit. Redirects are not followed (S34). Every failure of the
 * transport comes as a typed error.
 * @throws DownloadError `timeout`, `unreachable`, `too-large`, and whatever `fetch` throws of that class
 */
export async function exchange(
  fetch: HttpFetch,
  url: string,
  init: RequestInit,
  limits: ExchangeLimits,
): Promise<Answer> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), limits.timeoutMilliseconds);
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: deadline.signal });
    const { status } = response;
    if (status === 200 || status === 400) return { status, body: await readBody(response, limits.maxLength, url) };
    await response.body?.cancel();
    return { status, body: new Uint8Array(), ...retryAfterOf(response) };
  } catch (cause) {
    if (cause instanceof DownloadError) throw cause;
    const { host } = new URL(url);
    if (deadline.signal.aborted) {
      const seconds = limits.timeoutMilliseconds / 1000;
      throw new DownloadError('timeout', url, `trust server ${host} gave no answer within ${seconds} s`, { cause });
    }
    throw new DownloadError('unreachable', url, `trust server ${host} cannot be reached: ${reasonOf(cause)}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

function retryAfterOf({ status, headers }: Response): Pick<Answer, 'retryAfter'> {
  const seconds = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '')?.[0];
  return status === 429 && seconds !== undefined ? { retryAfter: Number(seconds) } : {};
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

/**
 * What a status other than 200 means for a client (reference 4.5): 404 is an answer, everything else an error.
 * @throws DownloadError
 */
export function absent({ status, retryAfter }: Pick<Answer, 'status' | 'retryAfter'>, url: string): undefined {
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
    const again = retryAfter === undefined ? '' : ` and may be asked again in ${retryAfter} s`;
    throw new DownloadError(
      'unavailable',
      url,
      `unable to reach trust server at this time: ${host} returned ${status}${again}`,
      { status },
    );
  }
  throw new DownloadError('rejected', url, `trust server ${host} returned a bad response: ${status}`, { status });
}

/** The whole body, cut off as soon as it exceeds `maxLength` (S23 endless data). @throws DownloadError */
async function readBody(response: Response, maxLength: number, url: string): Promise<Uint8Array> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > maxLength) {
    await response.body?.cancel();
    throw tooLarge(url, maxLength);
  }
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
