// SPDX-License-Identifier: Apache-2.0
import { RegistryError } from './errors.ts';
import { chunksOf } from './streams.ts';

/** One HTTP exchange. Redirects are never followed by it: who may be redirected where is decided above. */
export type Transport = (url: string, init: TransportInit) => Promise<Response>;

export interface TransportInit {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: Uint8Array | ReadableStream<Uint8Array>;
  readonly signal: AbortSignal;
}

/** How the other side's certificate is checked. */
export interface TlsOptions {
  /** PEM certificates of the authorities that may vouch for the host, in place of the system's. */
  readonly ca?: string | readonly string[];
  /** PEM of a client's certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface Timeouts {
  /** Milliseconds until the headers of an answer are there. */
  readonly answer: number;
  /** Milliseconds without one byte in either direction. */
  readonly idle: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { answer: 30_000, idle: 60_000 };

/**
 * The global `fetch`. Bun takes the authorities from `tls.ca`; under Node `fetch` knows no such option, so there a private
 * authority comes from NODE_EXTRA_CA_CERTS or from a transport of the caller's, and without either the connection fails.
 */
export function fetchTransport(tls: TlsOptions = {}): Transport {
  return (url, { method, headers, body, signal }) => {
    const init = {
      method,
      headers,
      signal,
      redirect: 'manual' as const,
      ...(body === undefined ? {} : { body }),
      ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
    };
    return fetch(url, init as RequestInit);
  };
}

/** What broke in the network, told apart from what broke in the program. */
export class TransportFailure extends Error {
  override readonly name = 'TransportFailure';

  constructor(cause: unknown) {
    super(failureText(cause), { cause });
  }
}

/** The same transport, whose failures are {@link TransportFailure}s or the reason for which the exchange was ended. */
export function typedTransport(transport: Transport): Transport {
  return async (url, init) => {
    try {
      return await transport(url, init);
    } catch (error) {
      throw init.signal.aborted ? init.signal.reason : new TransportFailure(error);
    }
  };
}

/** Ends an exchange in which nothing moves any more, or that the caller gave up. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #onParentAbort: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #limit = 0;

  constructor(limit: number, parent?: AbortSignal) {
    this.#parent = parent;
    this.#onParentAbort = () => this.#controller.abort(parent?.reason);
    if (parent?.aborted === true) this.#onParentAbort();
    parent?.addEventListener('abort', this.#onParentAbort, { once: true });
    this.restart(limit);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something moved; from now on `limit` milliseconds may pass until the next movement. */
  restart(limit: number = this.#limit): void {
    this.#limit = limit;
    clearTimeout(this.#timer);
    const expire = (): void =>
      this.#controller.abort(new RegistryError('timeout', `no answer within ${limit / 1000} s`));
    this.#timer = setTimeout(expire, limit);
    this.#timer.unref();
  }

  /** Stops the clock until the next `restart`, while somebody else is waited for. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  stop(): void {
    this.pause();
    this.#parent?.removeEventListener('abort', this.#onParentAbort);
  }

  /** Rejects once the exchange is over; a runtime whose stream ignores the signal is thus no way to hang. */
  async guard<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Body of an answer, chunk by chunk, under the watchdog that the request began with. */
export async function* guardedBody(response: Response, watchdog: Watchdog, idle: number): AsyncGenerator<Uint8Array> {
  try {
    watchdog.restart(idle);
    if (response.body === null) return;
    const chunks = chunksOf(response.body as ReadableStream<Uint8Array>);
    try {
      for (;;) {
        const next = await watchdog.guard(
          chunks.next().catch((error: unknown) => Promise.reject(new TransportFailure(error))),
        );
        if (next.done === true) return;
        watchdog.restart();
        yield next.value;
      }
    } finally {
      // not awaited: a reader that is stuck would keep us here
      if (watchdog.signal.aborted) void response.body.cancel().catch(() => undefined);
      else await chunks.return(undefined);
    }
  } finally {
    watchdog.stop();
  }
}

/** Discards an answer so that its connection is free again. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

const CAUSES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ConnectionRefused', 'connection refused'],
  ['ECONNRESET', 'connection closed by the other side'],
  ['ConnectionClosed', 'connection closed by the other side'],
  ['UND_ERR_SOCKET', 'connection closed by the other side'],
  ['ENOTFOUND', 'no such host'],
  ['EAI_AGAIN', 'host name cannot be resolved'],
  ['FailedToOpenSocket', 'cannot be reached'],
  ['ETIMEDOUT', 'connection timed out'],
  ['EHOSTUNREACH', 'no route to host'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate signed by unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate signed by unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate signed by unknown authority'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate signed by unknown authority'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate signed by unknown authority'],
  ['CERT_HAS_EXPIRED', 'certificate has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate is for another host'],
]);

/** Why a `fetch` failed, in a few words; Node hides the reason in a chain of causes. */
export function failureText(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = failureCode(at);
    const text = code === undefined ? undefined : CAUSES.get(code);
    if (text !== undefined) return text;
  }
  return 'cannot be reached';
}

/** Whether a TLS server answered whose certificate is not accepted, as opposed to a server without TLS. */
export function isCertificateFailure(error: unknown): boolean {
  return failureText(error).startsWith('certificate ');
}

function failureCode(error: Error): string | undefined {
  const { code } = error as Error & { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
