// SPDX-License-Identifier: Apache-2.0
import { type Log, originOf, pathAndQuery } from '../../service/index.ts';
import type { Actor } from '../actor.ts';
import { type Access, isGranted, isReadOnly } from './access.ts';
import { AuthenticationError, type FullAuthenticator, noteAttempt, userOf, withPublicRead } from './authenticator.ts';
import { basicCredentials } from './basic-credentials.ts';
import { type BearerError, bearerChallenge, realmOnHost, TOKEN_PATH } from './challenge.ts';
import { HtpasswdFile, type Users } from './htpasswd-file.ts';
import { LoginAttempts } from './login-attempts.ts';
import { isStillBound, OwnTokens, type TokenHolder } from './own-tokens.ts';
import { PasswordCheck } from './password-check.ts';
import { type Reader, readerOf, type Session } from './reader.ts';
import { grantsFor, requestedScopes, tokenAnswer } from './token-request.ts';
import { bearerToken } from './token-verifier.ts';
import { type RightsOptions, UserRights } from './user-rights.ts';

/** The users of a file, for a server without a token server beside it. */
export interface HtpasswdAuthenticatorOptions extends RightsOptions {
  /** Written by `htpasswd -B`; read anew when it changes. */
  readonly file: string;
  /** Base URL of this server as clients know it; without it, the host that they asked. */
  readonly url?: string;
  /** The name of this server in its challenges and tokens. */
  readonly service?: string;
  /** PEM file of the key of its tokens, where several replicas take each other's. */
  readonly tokenKey?: string;
  /** Let everybody pull without credentials. */
  readonly publicRead?: boolean;
  readonly clock: () => Date;
  readonly log: Log;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
}

const SERVICE = 'hallmark';

/**
 * Users with passwords. Clients of Notary cannot read with Basic authentication (their second attempt knows tokens
 * alone), so this server gives tokens for passwords itself, at `/auth/token`; whoever sends Basic to a route is judged too.
 * @throws AuthenticationSetupError
 */
export async function htpasswdAuthenticator(options: HtpasswdAuthenticatorOptions): Promise<FullAuthenticator> {
  const { file, log, clock, tokenKey, service = SERVICE, elapsed = () => performance.now() } = options;
  const authenticator = new HtpasswdAuthenticator(
    await HtpasswdFile.open(file, log, elapsed),
    await OwnTokens.open(tokenKey, service, clock),
    { ...options, service, elapsed },
  );
  return options.publicRead === true ? withPublicRead(authenticator) : authenticator;
}

class HtpasswdAuthenticator implements FullAuthenticator {
  readonly signIn = 'password';
  readonly #file: HtpasswdFile;
  readonly #tokens: OwnTokens;
  readonly #rights: UserRights;
  readonly #passwords: PasswordCheck;
  readonly #attempts: LoginAttempts;
  readonly #service: string;
  readonly #url: string | undefined;
  readonly #publicRead: boolean;

  constructor(
    file: HtpasswdFile,
    tokens: OwnTokens,
    options: HtpasswdAuthenticatorOptions & { readonly service: string; readonly elapsed: () => number },
  ) {
    this.#file = file;
    this.#tokens = tokens;
    this.#rights = new UserRights(options);
    this.#passwords = new PasswordCheck(options.elapsed);
    this.#attempts = new LoginAttempts(options.elapsed);
    this.#service = options.service;
    this.#url = options.url?.replace(/\/+$/, '');
    this.#publicRead = options.publicRead === true;
  }

  async authenticate(request: Request, wanted: Access): Promise<Actor> {
    if (!request.headers.has('authorization')) throw this.#refusal(request, wanted, 'no credentials');
    const users = await this.#file.users();
    const token = bearerToken(request);
    if (token !== undefined) return this.#byToken(token, users, request, wanted);
    const user = await this.#login(request, users);
    if (user === undefined) throw this.#refusal(request, wanted, 'wrong user or password');
    if (!this.#rights.isAllowed(user, wanted)) {
      throw this.#refusal(request, wanted, `${JSON.stringify(user)} may not do this`, 'insufficient_scope');
    }
    return userOf(user, request);
  }

  async #byToken(token: string, users: Users, request: Request, wanted: Access): Promise<Actor> {
    const claims = await this.#tokens.verifier.verify(token);
    const user = claims?.subject ?? '';
    const isCurrent =
      claims !== undefined && (user === '' || isStillBound(claims, { user, hash: users.get(user) ?? '' }));
    if (!isCurrent) throw this.#refusal(request, wanted, 'token is not good', 'invalid_token');
    // a user is who they say, whatever the token is for; that is all that a ping asks
    const suffices = isGranted(claims.grants, wanted) || (wanted.kind === 'ping' && user !== '');
    if (!suffices) {
      throw this.#refusal(request, wanted, 'token grants too little', 'insufficient_scope');
    }
    return userOf(user, request);
  }

  tokenResponse(request: Request): Promise<Response> | undefined {
    const isHere = request.method === 'GET' && pathAndQuery(request.url)[0] === TOKEN_PATH;
    return isHere ? this.#giveToken(request) : undefined;
  }

  /** Without credentials the token grants what everybody may, if only nothing: clients ask so first, and then log in. */
  async #giveToken(request: Request): Promise<Response> {
    const users = await this.#file.users();
    const scopes = requestedScopes(request.url);
    if (!request.headers.has('authorization')) {
      const open = (access: Access) => this.#publicRead && isReadOnly(access);
      return tokenAnswer(await this.#tokens.give(undefined, grantsFor(scopes, open)));
    }
    const user = await this.#login(request, users);
    if (user === undefined) throw this.#refusal(request, { kind: 'ping' }, 'wrong user or password');
    const holder: TokenHolder = { user, hash: users.get(user) ?? '' };
    const allowed = (access: Access) => this.#rights.isAllowed(user, access);
    return tokenAnswer(await this.#tokens.give(holder, grantsFor(scopes, allowed)));
  }

  async reader(request: Request): Promise<Reader> {
    const users = await this.#file.users();
    const session = bearerToken(request);
    const user = session === undefined ? await this.#login(request, users) : await this.#ofSession(session, users);
    if (user === undefined) throw this.#refusal(request, { kind: 'ping' }, 'nobody is signed in');
    return readerOf(userOf(user, request), this.#rights.readable(user));
  }

  /** Whose session it is, if they are still a user and their password is still the same. */
  async #ofSession(token: string, users: Users): Promise<string | undefined> {
    const claims = await this.#tokens.sessions.verify(token);
    if (claims === undefined) return undefined;
    const user = claims.subject;
    const hash = users.get(user);
    return hash !== undefined && isStillBound(claims, { user, hash }) ? user : undefined;
  }

  async session(request: Request): Promise<Session> {
    const users = await this.#file.users();
    const user = await this.#login(request, users);
    const hash = user === undefined ? undefined : users.get(user);
    if (user === undefined || hash === undefined) {
      throw this.#refusal(request, { kind: 'ping' }, 'wrong user or password');
    }
    return this.#tokens.session({ user, hash });
  }

  /** The user that a Basic header is of. @throws TooManyAttemptsError */
  async #login(request: Request, users: Users): Promise<string | undefined> {
    const credentials = basicCredentials(request);
    if (credentials === undefined) return undefined;
    const { user, password } = credentials;
    if (this.#passwords.isKnown(users, user, password)) return user;
    const address = originOf(request).address ?? '';
    const check = () => this.#attempts.check(address);
    check();
    if (await this.#passwords.isRight(users, user, password, check)) return user;
    this.#attempts.failed(address);
    noteAttempt(request, user);
    return undefined;
  }

  #refusal(request: Request, wanted: Access, reason: string, error?: BearerError): AuthenticationError {
    const scheme = request.url.startsWith('http:') ? 'http' : 'https';
    const realm = this.#url === undefined ? realmOnHost(request, TOKEN_PATH, scheme) : this.#url + TOKEN_PATH;
    return new AuthenticationError(wanted, bearerChallenge({ realm, service: this.#service }, wanted, error), reason);
  }
}
