// SPDX-License-Identifier: Apache-2.0
import type { Fetch } from './request-log.ts';
import { addAddressBook, removeAddressBook } from './request-origin.ts';
import type { TlsIdentity } from './tls-identity.ts';

export interface ListenOptions {
  readonly fetch: Fetch;
  /** `'plain'` has to be said: nothing falls back to it (S8). */
  readonly tls: TlsIdentity | 'plain';
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly limits?: Partial<ListenLimits>;
  /** Lets another listener of this user take the same port: for the moment in which one takes the place of another. */
  readonly sharePort?: boolean;
}

export interface ListenLimits {
  /** Bytes of one request's body. */
  readonly bodyBytes: number;
  /** Seconds without a byte after which a connection is closed; 255 at most. */
  readonly idleSeconds: number;
  /** Seconds in which a body must have come and its answer have begun, however steadily it drips; 255 at most. */
  readonly bodySeconds: number;
  /** How long `stop` waits for requests under way, in milliseconds. */
  readonly drainMs: number;
}

const DEFAULTS: ListenLimits = { bodyBytes: 64 * 1024 * 1024, idleSeconds: 60, bodySeconds: 120, drainMs: 5000 };

/** More does not fit Bun's timers. */
export const MAX_LISTEN_SECONDS = 255;

export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** `https://localhost:4443`, or `http://…` for a plain one. */
  readonly url: string;
  /** Accepts nothing new, lets what is under way end within the limit, then cuts it off. */
  stop(): Promise<void>;
}

/** An address that cannot be listened on. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly hostname: string;
  readonly port: number;

  constructor(hostname: string, port: number, cause: unknown) {
    const reason = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : '';
    super(`cannot listen on ${hostname}:${port}${reason}`, { cause });
    this.hostname = hostname;
    this.port = port;
  }
}

/** Serves HTTP over TLS 1.2 or newer. @throws ListenError */
export function listen({ fetch, tls, hostname, port, limits = {}, sharePort = false }: ListenOptions): Listener {
  const { bodyBytes, idleSeconds, bodySeconds, drainMs } = { ...DEFAULTS, ...limits };
  const options = {
    hostname,
    port,
    maxRequestBodySize: bodyBytes,
    idleTimeout: idleSeconds,
    // an error that reaches Bun would be shown to the client with its stack
    development: false,
    // Bun shares the port with whoever asks as soon as `development` is off
    reusePort: sharePort,
    fetch: (request: Request, served: Timers) => {
      // Bun's timer runs from a request's header on and is not wound up by the bytes of its body
      if (request.body !== null) served.timeout(request, bodySeconds);
      return fetch(request);
    },
    error: () => new Response(null, { status: 500 }),
  };
  const server = start(
    () => Bun.serve(tls === 'plain' ? options : { ...options, tls: tlsOptions(tls) }),
    hostname,
    port,
  );
  addAddressBook(server);
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  const bound = server.port ?? port;
  return {
    hostname,
    port: bound,
    url: `${tls === 'plain' ? 'http' : 'https'}://${host}:${bound}`,
    async stop() {
      const cutOff = setTimeout(() => void server.stop(true), drainMs);
      await server.stop(false);
      clearTimeout(cutOff);
      removeAddressBook(server);
    },
  };
}

interface Timers {
  timeout(request: Request, seconds: number): void;
}

function tlsOptions({ cert, key, clientCa }: TlsIdentity) {
  return clientCa === undefined
    ? { cert, key }
    : { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
}

function start<T>(serve: () => T, hostname: string, port: number): T {
  try {
    return serve();
  } catch (cause) {
    throw new ListenError(hostname, port, cause);
  }
}
