// SPDX-License-Identifier: Apache-2.0

import { RegistryError } from './errors.ts';
import { type AuthOptions, Authorizer, type Credentials } from './login/index.ts';
import { isLoopbackHost, type Resolver, systemResolver } from './network.ts';
import { answerError } from './problems.ts';
import { allowedRedirect, isRedirect, MAX_REDIRECTS } from './redirect.ts';
import { collect, streamOf } from './streams.ts';
import {
  DEFAULT_TIMEOUTS,
  discard,
  fetchTransport,
  guardedBody,
  isCertificateFailure,
  type Timeouts,
  type TlsOptions,
  type Transport,
  TransportFailure,
  type TransportInit,
  typedTransport,
  Watchdog,
} from './transport.ts';

export interface RegistryClientOptions
  extends Pick<AuthOptions, 'credentials' | 'credentialHost' | 'trustedRealms' | 'transport' | 'resolve' | 'now'> {
  /** Host and port: `registry-1.docker.io`, `localhost:5000`. */
  readonly host: string;
  readonly tls?: TlsOptions;
  readonly timeouts?: Partial<Timeouts>;
  /** Gives up everything that the client does. */
  readonly signal?: AbortSignal;
  readonly userAgent?: string;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Path below the registry's origin, or a URL of that origin. */
  readonly target: string;
  readonly scopes: readonly string[];
  /** Names the attempt in errors: `manifest app:1`. */
  readonly what: string;
  readonly repository?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Statuses that are no error. */
  readonly accept: readonly number[];
  /** Whether the answer may come from somewhere else; for content that is checked by digest. */
  readonly followRedirects?: boolean;
}

const MAX_ERROR_BODY = 64 * 1024;

/** An answer whose body is still to come; it must be read or discarded. */
export class Answer {
  readonly response: Response;
  readonly url: URL;
  readonly #watchdog: Watchdog;
  readonly #idle: number;

  constructor(response: Response, url: URL, watchdog: Watchdog, idle: number) {
    this.response = response;
    this.url = url;
    this.#watchdog = watchdog;
    this.#idle = idle;
  }

  header(name: string): string | null {
    return this.response.headers.get(name);
  }

  body(): AsyncGenerator<Uint8Array> {
    return guardedBody(this.response, this.#watchdog, this.#idle);
  }

  async discard(): Promise<void> {
    this.#watchdog.stop();
    await discard(this.response);
  }
}

/** A body whose own failure is not lost in what a runtime makes of it. */
class UploadSource {
  readonly #body: AsyncIterable<Uint8Array>;
  failure: unknown;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#body;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

/** HTTP with one registry: https (http on loopback only), authentication, time limits, redirects, typed errors. */
export class Connection {
  readonly host: string;
  readonly #options: RegistryClientOptions;
  readonly #timeouts: Timeouts;
  readonly #own: Transport;
  readonly #foreign: Transport;
  readonly #resolve: Resolver;
  readonly #waiting = new Set<Watchdog>();
  #authorizer: Promise<{ readonly origin: URL; readonly authorizer: Authorizer }> | undefined;

  constructor(options: RegistryClientOptions) {
    if (!/^[^/?#@\\\s]+$/.test(options.host) || !URL.canParse(`https://${options.host}`)) {
      throw new RegistryError('malformed', `"${options.host.slice(0, 80)}" is no registry host`);
    }
    this.host = options.host;
    this.#options = options;
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.#own = typedTransport(options.transport ?? fetchTransport(options.tls));
    this.#foreign = typedTransport(options.transport ?? fetchTransport());
    this.#resolve = options.resolve ?? systemResolver;
  }

  /** @throws RegistryError for every status that the request does not accept, and when there is no answer */
  async send(request: RegistryRequest): Promise<Answer> {
    const watchdog = new Watchdog(this.#timeouts.answer, this.#options.signal);
    const source =
      request.body === undefined || request.body instanceof Uint8Array ? undefined : new UploadSource(request.body);
    this.#waiting.add(watchdog);
    try {
      const answer = await this.#exchange(
        source === undefined ? request : { ...request, body: source.chunks() },
        watchdog,
      );
      if (!request.accept.includes(answer.response.status)) throw await this.#refusal(answer, request);
      return answer;
    } catch (error) {
      watchdog.stop();
      throw this.#typed(source?.failure ?? error, request);
    } finally {
      this.#waiting.delete(watchdog);
    }
  }

  /** Where an answer that was not followed leads. @throws RegistryError `redirect-refused` */
  redirectOf(answer: Answer): Promise<URL> {
    return allowedRedirect(answer.header('location'), answer.url, new URL(answer.url.origin), this.#resolve);
  }

  /** The bytes of an answer, at most `limit`. @throws RegistryError `too-large` */
  async read(answer: Answer, request: RegistryRequest, limit: number): Promise<Uint8Array> {
    const bytes = await this.guarded(collect(answer.body(), limit), request);
    if (bytes !== undefined) return bytes;
    throw this.error('too-large', request, `answer of more than ${limit} bytes`);
  }

  /** Turns what breaks while a body is read into a typed error. */
  async guarded<T>(work: Promise<T>, request: RegistryRequest): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#typed(error, request);
    }
  }

  error(code: RegistryError['code'], request: RegistryRequest, why: string, details: object = {}): RegistryError {
    const repository = request.repository === undefined ? {} : { repository: request.repository };
    const message = `registry ${this.host}: ${request.what}: ${why}`;
    return new RegistryError(code, message, { host: this.host, ...repository, ...details });
  }

  async #exchange(request: RegistryRequest, watchdog: Watchdog): Promise<Answer> {
    const { origin, authorizer } = await watchdog.guard(this.#connect());
    const url = new URL(request.target, origin);
    const first = await watchdog.guard(authorizer.send(url.href, this.#init(request, watchdog), request.scopes));
    const isMoved = request.followRedirects === true && isRedirect(first.status);
    if (isMoved) return this.#follow(first, url, origin, authorizer, request, watchdog);
    return new Answer(first, url, watchdog, this.#timeouts.idle);
  }

  #init(request: RegistryRequest, watchdog: Watchdog): TransportInit {
    const headers = new Headers({ 'user-agent': this.#options.userAgent ?? 'hallmark', ...request.headers });
    // content is checked as it was sent; a transport that unpacks it would also be a way to a bomb (S23)
    headers.set('accept-encoding', 'identity');
    const { method, body } = request;
    if (body === undefined) return { method, headers, signal: watchdog.signal };
    const sent = body instanceof Uint8Array ? body : streamOf(this.#watched(body, watchdog));
    return { method, headers, signal: watchdog.signal, body: sent };
  }

  async *#watched(body: AsyncIterable<Uint8Array>, watchdog: Watchdog): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      watchdog.restart(this.#timeouts.idle);
      yield chunk;
    }
  }

  async #follow(
    first: Response,
    url: URL,
    registry: URL,
    authorizer: Authorizer,
    request: RegistryRequest,
    watchdog: Watchdog,
  ): Promise<Answer> {
    let response = first;
    let at = url;
    for (let hops = 0; isRedirect(response.status); hops++) {
      if (hops === MAX_REDIRECTS) throw this.error('redirect-refused', request, `more than ${MAX_REDIRECTS} redirects`);
      at = await allowedRedirect(response.headers.get('location'), at, registry, this.#resolve);
      await discard(response);
      const init = this.#init(request, watchdog);
      response = await watchdog.guard(
        at.origin === registry.origin ? authorizer.send(at.href, init, request.scopes) : this.#foreign(at.href, init), // without a credential: that is the point
      );
    }
    return new Answer(response, at, watchdog, this.#timeouts.idle);
  }

  #connect(): Promise<{ readonly origin: URL; readonly authorizer: Authorizer }> {
    this.#authorizer ??= this.#findOrigin().then((origin) => {
      const { host: _host, tls: _tls, timeouts: _timeouts, transport: _transport, ...rest } = this.#options;
      const options = {
        ...rest,
        origin: origin.origin,
        transport: this.#own,
        timeouts: this.#timeouts,
        credentials: () => this.#askCredentials(),
      };
      return { origin, authorizer: new Authorizer(options) };
    });
    this.#authorizer.catch(() => {
      this.#authorizer = undefined;
    });
    return this.#authorizer;
  }

  /** A credential helper may ask a person, who is not to be hurried by a time limit for registries. */
  async #askCredentials(): Promise<Credentials | undefined> {
    const waiting = [...this.#waiting];
    for (const watchdog of waiting) watchdog.pause();
    try {
      return await this.#options.credentials?.();
    } finally {
      for (const watchdog of waiting) if (this.#waiting.has(watchdog)) watchdog.restart();
    }
  }

  /** https; on loopback, as Docker does, http if nothing there speaks TLS. */
  async #findOrigin(): Promise<URL> {
    const origin = new URL(`https://${this.host}`);
    if (!isLoopbackHost(origin.hostname)) return origin;
    const watchdog = new Watchdog(this.#timeouts.answer, this.#options.signal);
    try {
      const init = { method: 'GET', headers: new Headers(), signal: watchdog.signal };
      await discard(await watchdog.guard(this.#own(`${origin.origin}/v2/`, init)));
      return origin;
    } catch (error) {
      if (watchdog.signal.aborted || isCertificateFailure(error)) throw error;
      return new URL(`http://${this.host}`);
    } finally {
      watchdog.stop();
    }
  }

  async #refusal(answer: Answer, request: RegistryRequest): Promise<RegistryError> {
    const { status } = answer.response;
    const body = await collect(answer.body(), MAX_ERROR_BODY).catch(() => undefined);
    const repository = request.repository === undefined ? {} : { repository: request.repository };
    return answerError(status, body, { host: this.host, what: request.what, ...repository });
  }

  #typed(error: unknown, request: RegistryRequest): unknown {
    if (error instanceof RegistryError && error.host !== undefined) return error;
    if (error instanceof RegistryError) {
      const { code, message, expected, actual, status } = error;
      return this.error(code, request, message, { expected, actual, status, cause: error.cause });
    }
    // what the caller threw or gave up is the caller's
    if (this.#options.signal?.aborted === true || !(error instanceof TransportFailure)) return error;
    return this.error('unavailable', request, error.message, { cause: error.cause });
  }
}
