// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../service/index.ts';
import type { Actor } from '../actor.ts';
import { type Access, isGranted } from './access.ts';
import {
  AuthenticationError,
  AuthenticationSetupError,
  type Authenticator,
  type FullAuthenticator,
  userOf,
  withPublicRead,
} from './authenticator.ts';
import { type BearerError, bearerChallenge, realmOnHost } from './challenge.ts';
import { KeySource, type KeySourceOptions } from './key-source.ts';
import { type Reader, readerOf, type Session } from './reader.ts';
import { bearerToken, type TokenClaims, TokenVerifier } from './token-verifier.ts';

/** Tokens of a token server, as Docker registries have it; names as in Notary's `auth.options`. */
export interface TokenAuthenticatorOptions extends Omit<KeySourceOptions, 'log'> {
  /** URL where clients ask for tokens. */
  readonly realm: string;
  /** Whom tokens are for, `aud`. */
  readonly service: string;
  /** Who gives them, `iss`. */
  readonly issuer: string;
  /** Send clients to `/auth/token` of the host that they asked, instead of `realm`. */
  readonly autoredirect?: boolean;
  /** By how much the clocks of both servers may differ; 60 unless given. */
  readonly skewSeconds?: number;
  /** Let everybody pull without a token. */
  readonly publicRead?: boolean;
  readonly clock: () => Date;
  readonly log: Log;
}

const SKEW_SECONDS = 60;

/** @throws AuthenticationSetupError */
export async function tokenAuthenticator(options: TokenAuthenticatorOptions): Promise<FullAuthenticator> {
  const { realm, service, issuer, autoredirect = false, skewSeconds = SKEW_SECONDS, clock } = options;
  for (const [name, value] of Object.entries({ realm, service, issuer })) {
    if (value === '') throw new AuthenticationSetupError(`token authentication needs "${name}"`);
  }
  const verifier = new TokenVerifier(await KeySource.open(options), { issuer, service, skewSeconds, clock });
  const realmOf = (request: Request) => (autoredirect ? realmOnHost(request, realm) : realm);
  const authenticator: FullAuthenticator = {
    authenticate: bearerAuthentication(verifier, service, realmOf),
    signIn: 'token',
    reader: async (request) => readerByClaims((await shown(verifier, request)).claims, request),
    session: async (request) => sessionOf(await shown(verifier, request), clock()),
  };
  return options.publicRead === true ? withPublicRead(authenticator) : authenticator;
}

/** Judges a request by its bearer token; `realmOf` says where the client is to get one. */
function bearerAuthentication(
  verifier: TokenVerifier,
  service: string,
  realmOf: (request: Request) => string,
): Authenticator['authenticate'] {
  return async (request: Request, wanted: Access): Promise<Actor> => {
    const refused = (reason: string, error?: BearerError) =>
      new AuthenticationError(wanted, bearerChallenge({ realm: realmOf(request), service }, wanted, error), reason);
    if (!request.headers.has('authorization')) throw refused('no credentials');
    const token = bearerToken(request);
    if (token === undefined) throw refused('no bearer token');
    const claims = await verifier.verify(token);
    if (claims === undefined) throw refused('token is not good', 'invalid_token');
    if (!isGranted(claims.grants, wanted)) throw refused('token grants too little', 'insufficient_scope');
    return userOf(claims.subject, request);
  };
}

interface ShownToken {
  readonly token: string;
  readonly claims: TokenClaims;
}

/** @throws AuthenticationError unless the request shows a token that is good, whatever it is for */
async function shown(verifier: TokenVerifier, request: Request): Promise<ShownToken> {
  const token = bearerToken(request);
  const claims = token === undefined ? undefined : await verifier.verify(token);
  if (token === undefined || claims === undefined) {
    throw new AuthenticationError({ kind: 'ping' }, '', token === undefined ? 'no bearer token' : 'token is not good');
  }
  return { token, claims };
}

/** A token names the collections that it is for, each by its whole name. */
function readerByClaims({ subject, grants }: TokenClaims, request: Request): Reader {
  const guns = grants
    .filter(({ type, actions }) => type === 'repository' && (actions.includes('pull') || actions.includes('*')))
    .map(({ name }) => name);
  return readerOf(userOf(subject, request), { guns, prefixes: [] });
}

/** The token itself, for as long as it holds. */
function sessionOf({ token, claims }: ShownToken, now: Date): Session {
  return { token, lifetimeSeconds: Math.max(0, (claims.payload.exp ?? 0) - Math.floor(now.getTime() / 1000)) };
}
