// SPDX-License-Identifier: Apache-2.0
/**
 * Who asks, and whether they may: tokens of a registry's token server, or the users of an htpasswd file. Nothing here
 * reads or changes metadata, and nothing is open unless `openToAll` or public reading says so.
 *
 *     const bundle = { certificates: '/etc/hallmark/token-ca.crt' };
 *     const names = { realm: 'https://auth.example.com/token', service: 'trust.example.com', issuer: 'auth.example.com' };
 *     const auth = await tokenAuthenticator({ ...names, ...bundle, clock, log });
 *     const { fetch } = createTrustServer({ storage, keys, clock, log, auth });
 */
export { type Access, type Action, resourceOf } from './access.ts';
export {
  AuthenticationError,
  AuthenticationUnavailableError,
  type Authenticator,
  attemptedUser,
  type FullAuthenticator,
  openToAll,
  TooManyAttemptsError,
} from './authenticator.ts';
export { type HtpasswdAuthenticatorOptions, htpasswdAuthenticator } from './htpasswd-authenticator.ts';
export type { Reader, Readers, Session } from './reader.ts';
export { type TokenAuthenticatorOptions, tokenAuthenticator } from './token-authenticator.ts';
