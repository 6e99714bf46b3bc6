// SPDX-License-Identifier: Apache-2.0
import { originOf } from '../../service/index.ts';
import { type Actor, ANONYMOUS, SERVER_ITSELF } from '../actor.ts';
import { type Access, isReadOnly } from './access.ts';
import { type Readers, readerOf } from './reader.ts';

/** Decides who asks, and whether they may. One stands before every route; nothing is open by omission. */
export interface Authenticator {
  /**
   * Who asks, if they may do what the request needs.
   * @throws AuthenticationError, TooManyAttemptsError, AuthenticationUnavailableError
   */
  authenticate(request: Request, wanted: Access): Promise<Actor>;
  /** Where this server gives tokens itself; `undefined` for requests of any other path. */
  tokenResponse?(request: Request): Promise<Response> | undefined;
}

/** One that lets people look around too. */
export interface FullAuthenticator extends Authenticator, Readers {}

/** Nobody showed that they may: 401, with how to log in. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
  readonly wanted: Access;
  /** The value of `WWW-Authenticate`. */
  readonly challenge: string;

  constructor(wanted: Access, challenge: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.wanted = wanted;
    this.challenge = challenge;
  }
}

/** Whoever guesses passwords has to wait: 429. */
export class TooManyAttemptsError extends Error {
  override readonly name = 'TooManyAttemptsError';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(`too many failed logins; try again in ${retryAfterSeconds} s`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The keys that tokens are checked against cannot be had: 503. */
export class AuthenticationUnavailableError extends Error {
  override readonly name = 'AuthenticationUnavailableError';
}

/** An authenticator cannot be set up as it was configured. */
export class AuthenticationSetupError extends Error {
  override readonly name = 'AuthenticationSetupError';
}

const MAX_NAME = 200;

/**
 * A user as the audit log names them: without what steers a terminal, and no longer than a column. No user passes for the
 * server, or for nobody.
 */
export function userOf(name: string, request: Request): Actor {
  if (name === '') return { ...ANONYMOUS, ...originOf(request) };
  const plain = name
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
    .slice(0, MAX_NAME)
    .toWellFormed();
  const isReserved = plain === ANONYMOUS.name || plain === SERVER_ITSELF.name;
  return { name: isReserved ? `user:${plain}` : plain, ...originOf(request) };
}

const attempted = new WeakMap<Request, string>();

/** Notes as whom somebody tried to log in, and failed: a name that is claimed, never an actor. */
export function noteAttempt(request: Request, name: string): void {
  attempted.set(request, userOf(name, request).name);
}

/** As whom the sender of a request tried to log in, for the audit log; at most 200 characters. */
export function attemptedUser(request: Request): string | undefined {
  return attempted.get(request);
}

/** A read is recorded nowhere, and too frequent to ask where it comes from. */
function anonymous(request: Request, wanted: Access): Actor {
  return isReadOnly(wanted) ? ANONYMOUS : { ...ANONYMOUS, ...originOf(request) };
}

/** Everybody may do everything: for a server that only friends can reach. */
export const openToAll: FullAuthenticator = {
  authenticate: async (request, wanted) => anonymous(request, wanted),
  signIn: 'nothing',
  reader: async (request) => readerOf({ ...ANONYMOUS, ...originOf(request) }, undefined),
  session: async () => {
    throw new AuthenticationError({ kind: 'ping' }, '', 'nobody signs in here');
  },
};

/**
 * Lets everybody read collections without credentials. Whoever shows some is judged by them: a token that is no longer
 * good should be noticed. The catalog stays closed, since it tells the names of all collections, and so do lists.
 */
export function withPublicRead(authenticator: FullAuthenticator): FullAuthenticator {
  const tokenResponse = authenticator.tokenResponse?.bind(authenticator);
  const { signIn } = authenticator;
  return {
    authenticate: async (request, wanted) =>
      isReadOnly(wanted) && !request.headers.has('authorization')
        ? ANONYMOUS
        : authenticator.authenticate(request, wanted),
    ...(tokenResponse === undefined ? {} : { tokenResponse }),
    signIn,
    reader: async (request) =>
      request.headers.has('authorization')
        ? authenticator.reader(request)
        : { ...readerOf({ ...ANONYMOUS, ...originOf(request) }, { guns: [], prefixes: [] }), mayPull: () => true },
    session: (request) => authenticator.session(request),
  };
}
