// SPDX-License-Identifier: Apache-2.0

import { RegistryError } from '../errors.ts';
import { isLoopbackHost, type Resolver, systemResolver } from '../network.ts';
import {
  DEFAULT_TIMEOUTS,
  discard,
  fetchTransport,
  type Timeouts,
  type Transport,
  type TransportInit,
} from '../transport.ts';
import { type Challenge, parseChallenges } from './auth-challenge.ts';
import { allowedRealm, belongsTo } from './auth-realm.ts';
import { basicAuthorization, type Credentials, fetchToken } from './auth-token.ts';

export interface AuthOptions {
  /** The only origin that requests go to: `https://registry.example.com`. */
  readonly origin: string;
  /** Asked once, when the server wants to know who is there. `undefined` is anonymous. */
  readonly credentials?: () => Promise<Credentials | undefined>;
  /** Host (and port) that the credentials are for; the origin's own unless said otherwise (a trust server's registry). */
  readonly credentialHost?: string;
  /** Hosts beside those of {@link credentialHost}'s site that may be shown the credentials. */
  readonly trustedRealms?: readonly string[];
  readonly transport?: Transport;
  readonly timeouts?: Timeouts;
  readonly resolve?: Resolver;
  /** Milliseconds; the clock of the tokens' lifetime. */
  readonly now?: () => number;
}

/** `repository:library/alpine:pull,push`; trust servers use the same form with the GUN as name. */
export function repositoryScope(name: string, actions: readonly ('pull' | 'push' | 'delete' | '*')[]): string {
  return `repository:${name}:${actions.join(',')}`;
}

interface CachedToken {
  readonly text: string;
  readonly until: number;
}

/**
 * Answers a registry's or trust server's challenges: anonymous first, then Bearer through the token service, or Basic.
 * Tokens are kept per set of scopes. Sends nothing to any other origin, so no redirect can carry a credential away.
 */
export class Authorizer {
  readonly #origin: URL;
  readonly #options: AuthOptions;
  readonly #transport: Transport;
  readonly #tokens = new Map<string, Promise<CachedToken>>();
  #challenge: Challenge | undefined;
  #isOpen = false;
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#origin = new URL(options.origin);
    this.#transport = options.transport ?? fetchTransport();
  }

  /**
   * Sends a request with what it takes to be let in. A refusal that remains is the answer, not an exception.
   * A body that is a stream can be sent once only, so the way in is found out before it.
   * @throws RegistryError
   */
  async send(url: string, init: TransportInit, scopes: readonly string[]): Promise<Response> {
    if (new URL(url).origin !== this.#origin.origin)
      throw new Error(`request to ${url} with credentials of another origin`);
    if (init.body !== undefined && this.#challenge === undefined && !this.#isOpen) await this.#discover(init.signal);
    const used = await this.#authorization(scopes, init.signal);
    const response = await this.#transport(url, authorized(init, used));
    if (response.status !== 401 || init.body instanceof ReadableStream) return response;
    this.#learn(response);
    if (used !== undefined) this.#tokens.delete(scopeKey(scopes));
    const renewed = await this.#authorization(scopes, init.signal);
    if (renewed === undefined || renewed === used) return response;
    await discard(response);
    return this.#transport(url, authorized(init, renewed));
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const headers = new Headers({ accept: 'application/json' });
    const response = await this.#transport(`${this.#origin.origin}/v2/`, { method: 'GET', headers, signal });
    if (response.status === 401) this.#learn(response);
    else this.#isOpen = response.ok;
    await discard(response);
  }

  #learn(response: Response): void {
    const challenges = parseChallenges(response.headers.get('www-authenticate'));
    this.#challenge =
      challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
  }

  async #authorization(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    const credentials = await this.#knownCredentials();
    if (credentials !== undefined) this.#requireProtection();
    if (challenge.scheme === 'basic') return this.#basic(credentials);
    if (credentials?.kind === 'registry-token') return `Bearer ${this.#ownSite(credentials.token)}`;
    return `Bearer ${await this.#token(challenge, credentials, scopes, signal)}`;
  }

  #basic(credentials: Credentials | undefined): string | undefined {
    if (credentials?.kind !== 'basic') return undefined;
    return this.#ownSite(basicAuthorization(credentials.username, credentials.password));
  }

  /** Neither a password nor a token bought with one goes over the network in clear. */
  #requireProtection(): void {
    const { host, hostname, protocol } = this.#origin;
    if (protocol === 'https:' || isLoopbackHost(hostname)) return;
    throw new RegistryError('insecure', `registry ${host} asks for credentials without https: refused`, { host });
  }

  /** Lets a secret pass only if the origin may see it itself: the credentials' own host or its site (S33). */
  #ownSite(secret: string): string {
    const { host, hostname } = this.#origin;
    const owner = this.#credentialHost();
    if (belongsTo(hostname, owner, this.#options.trustedRealms)) return secret;
    const message = `${host} asks for the credentials of ${owner}: refused`;
    throw new RegistryError('realm-refused', message, { host, expected: owner, actual: host });
  }

  async #token(
    challenge: Challenge,
    credentials: Credentials | undefined,
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<string> {
    const key = scopeKey(scopes);
    const now = this.#options.now ?? Date.now;
    const pending = this.#tokens.get(key);
    if (pending !== undefined) {
      const cached = await pending;
      if (now() < cached.until) return cached.text;
      if (this.#tokens.get(key) === pending) this.#tokens.delete(key);
      return this.#token(challenge, credentials, scopes, signal);
    }
    const fresh = this.#freshToken(challenge, credentials, scopes, signal, now);
    this.#tokens.set(key, fresh);
    // a failure is told to everybody who waits for it, and then forgotten
    fresh.catch(() => this.#tokens.get(key) === fresh && this.#tokens.delete(key));
    return (await fresh).text;
  }

  async #freshToken(
    challenge: Challenge,
    credentials: Credentials | undefined,
    scopes: readonly string[],
    signal: AbortSignal,
    now: () => number,
  ): Promise<CachedToken> {
    const realm = await allowedRealm(challenge.parameters.get('realm') ?? '', {
      origin: this.#origin,
      credentialHost: this.#credentialHost(),
      hasCredentials: credentials !== undefined,
      trustedRealms: this.#options.trustedRealms ?? [],
      resolve: this.#options.resolve ?? systemResolver,
    });
    const asked = scopes.length > 0 ? scopes : (challenge.parameters.get('scope')?.split(' ') ?? []);
    const service = challenge.parameters.get('service');
    const timeouts = this.#options.timeouts ?? DEFAULT_TIMEOUTS;
    const token = await fetchToken(this.#transport, timeouts, { realm, service, scopes: asked, credentials, signal });
    // a tenth early, so that it does not run out on the way
    return { text: token.text, until: now() + token.lifetime * 900 };
  }

  #credentialHost(): string {
    return this.#options.credentialHost ?? this.#origin.host;
  }

  #knownCredentials(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials?.() ?? Promise.resolve(undefined);
    return this.#credentials;
  }
}

/**
 * A `fetch` for one origin that logs in by itself, with the scopes given; for a trust server's client as well.
 * Bodies are held in memory, so that a request can be repeated after a challenge.
 */
export function authenticatedFetch(
  options: AuthOptions & { readonly scopes: readonly string[] },
): (request: Request) => Promise<Response> {
  const authorizer = new Authorizer(options);
  return async (request) => {
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    const { method, signal } = request;
    const init = { method, headers: new Headers(request.headers), signal, ...(body === undefined ? {} : { body }) };
    return authorizer.send(request.url, init, options.scopes);
  };
}

function authorized(init: TransportInit, authorization: string | undefined): TransportInit {
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  if (authorization !== undefined) headers.set('authorization', authorization);
  return { ...init, headers };
}

function scopeKey(scopes: readonly string[]): string {
  return [...scopes].sort().join(' ');
}
