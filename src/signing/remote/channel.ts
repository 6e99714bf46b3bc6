// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
  logVerbosity,
  Metadata,
  type ServiceError,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import { DecodeError } from '../../encoding/index.ts';
import { MAX_MESSAGE_BYTES, type Method, REQUEST_ID_METADATA, RemoteSignerError } from '../protocol/index.ts';
import { BoundedTurns } from './bounded-turns.ts';

/** PEM text. */
export interface RemoteTls {
  /** The authorities that the signing service's certificate may come from; no others count. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ChannelAddress {
  /** A name or an IP address; the service's certificate has to be for it. */
  readonly hostname: string;
  readonly port: number;
  readonly tls: RemoteTls;
  /** The ID of the request that a call is made for, if any: the service's log and audit bear it too. */
  readonly requestId?: () => string | undefined;
}

export interface ChannelLimits {
  /** How long one call may take in all, waiting and trying again included; in milliseconds. */
  readonly deadlineMs: number;
  /** Calls under way at once; the others wait. Hundreds on one connection slow each other down under Bun. */
  readonly inFlight: number;
}

export const DEFAULT_CHANNEL_LIMITS: ChannelLimits = { deadlineMs: 10_000, inFlight: 32 };

/** A connection that broke under a call is tried again: every call may be repeated. */
const ATTEMPTS = 3;
const RECONNECT_MS = { first: 50, longest: 2000 };

interface Call {
  readonly path: string;
  readonly request: Uint8Array;
  readonly requestId: string | undefined;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** Then a connection that is being made is let alone: others may wait for it longer. */
  readonly isShort: boolean;
}

/** Calls of a signing service over one connection, which is made anew when it breaks. */
export class Channel {
  readonly #connect: () => Client;
  #client: Client;
  readonly #limits: ChannelLimits;
  readonly #turns: BoundedTurns;
  readonly #requestId: () => string | undefined;

  /** @throws RemoteSignerError `bad-tls` */
  constructor({ hostname, port, tls, requestId = () => undefined }: ChannelAddress, limits: ChannelLimits) {
    // its library would write to standard error by itself
    setLogVerbosity(logVerbosity.NONE);
    this.#limits = limits;
    this.#requestId = requestId;
    this.#turns = new BoundedTurns(limits.inFlight);
    const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname;
    const credentials = channelCredentials(hostname, tls);
    this.#connect = () => new Client(`${host}:${port}`, credentials, channelOptions(hostname));
    this.#client = this.#connect();
  }

  /**
   * @param withinMs less than the channel's own limit, for whoever wants to know soon
   * @throws RemoteSignerError
   */
  call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    withinMs = Number.POSITIVE_INFINITY,
  ): Promise<Response> {
    const isShort = withinMs < this.#limits.deadlineMs;
    const deadline = Date.now() + Math.min(withinMs, this.#limits.deadlineMs);
    const call: Call = {
      path: method.path,
      request: method.request.encode(request),
      requestId: this.#requestId(),
      deadline,
      isShort,
    };
    return this.#turns.run(async () => {
      const answer = await this.#attempt(call, 1);
      try {
        return method.response.decode(answer);
      } catch (cause) {
        if (!(cause instanceof DecodeError)) throw cause;
        throw new RemoteSignerError('bad-answer', 'the signing service answered no message of its kind', { cause });
      }
    });
  }

  close(): void {
    this.#client.close();
  }

  async #attempt(call: Call, attempt: number): Promise<Uint8Array> {
    const client = this.#client;
    const { deadline, isShort } = call;
    try {
      return await send(client, call);
    } catch (error) {
      if (!isServiceError(error)) throw error;
      if (error.code === status.DEADLINE_EXCEEDED && !(isShort && isConnecting(client))) this.#replace(client);
      const isLast = error.code !== status.UNAVAILABLE || attempt === ATTEMPTS;
      // while there is no connection a call fails at once, and says why: there is time to wait for one
      if (isLast || !(await this.#isReadyBy(deadline))) throw asRemoteError(error);
      return this.#attempt(call, attempt + 1);
    }
  }

  /** A peer that vanished without a word is noticed by TCP after many minutes only. What else is under way may end. */
  #replace(client: Client): void {
    client.close();
    if (client === this.#client) this.#client = this.#connect();
  }

  #isReadyBy(deadline: number): Promise<boolean> {
    return new Promise((resolve) => this.#client.waitForReady(deadline, (error) => resolve(error === undefined)));
  }
}

function isConnecting(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) !== connectivityState.READY;
}

function send(client: Client, { path, request, requestId, deadline }: Call): Promise<Uint8Array> {
  const metadata = new Metadata();
  if (requestId !== undefined) metadata.set(REQUEST_ID_METADATA, requestId);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      (bytes: Buffer): Uint8Array => bytes,
      request,
      metadata,
      { deadline },
      (error, answer) => (error === null ? resolve(answer ?? new Uint8Array()) : reject(error)),
    );
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** The library appends what it noted while it looked up the address, also where that is nothing. */
function plainDetails(details: string): string {
  return details.replace(/\.?\s*Resolution note:\s*$/, '');
}

/** What the service said is kept: it says why, and holds no secret. */
function asRemoteError(error: ServiceError): RemoteSignerError {
  const { code } = error;
  const details = plainDetails(error.details);
  const cause = { cause: error };
  switch (code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.RESOURCE_EXHAUSTED:
    case status.CANCELLED:
    // it failed, and says no more: that is no answer to what was asked
    case status.INTERNAL:
      return new RemoteSignerError('unavailable', `the signing service cannot be had: ${details}`, cause);
    case status.NOT_FOUND:
      return new RemoteSignerError('unknown', `the signing service does not know it: ${details}`, cause);
    case status.FAILED_PRECONDITION:
      return new RemoteSignerError('stale-version', `the signing service refuses: ${details}`, cause);
    case status.INVALID_ARGUMENT:
      return new RemoteSignerError('invalid', `the signing service refuses: ${details}`, cause);
    default:
      return new RemoteSignerError('refused', `the signing service refuses: ${details}`, cause);
  }
}

function channelCredentials(hostname: string, { ca, cert, key }: RemoteTls) {
  try {
    new X509Certificate(ca);
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('key of another certificate');
    const [authority, chain, privateKey] = [ca, cert, key].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
    return credentials.createSsl(authority, privateKey, chain, {
      // the name that we dialled, whatever name TLS was given
      checkServerIdentity: (_name, certificate) => checkServerIdentity(hostname, certificate),
    });
  } catch (cause) {
    throw new RemoteSignerError('bad-tls', 'certificate, key or authority for the signing service cannot be used', {
      cause,
    });
  }
}

/** RFC 6066 allows no address as the name of a server; a service that has one certificate shows it for any name. */
const NAME_FOR_ADDRESSES = 'signer.invalid';

function channelOptions(hostname: string): ChannelOptions {
  return {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.initial_reconnect_backoff_ms': RECONNECT_MS.first,
    'grpc.min_reconnect_backoff_ms': RECONNECT_MS.first,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MS.longest,
    // proxies of the environment are for the web, and would see who signs what
    'grpc.enable_http_proxy': 0,
    // retries are ours: they end with the deadline
    'grpc.enable_retries': 0,
    // two clients of one address are two connections
    'grpc.use_local_subchannel_pool': 1,
    ...(isIP(hostname) === 0 ? {} : { 'grpc.ssl_target_name_override': NAME_FOR_ADDRESSES }),
  };
}
