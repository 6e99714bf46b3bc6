// SPDX-License-Identifier: Apache-2.0
import { type Access, scopeOf } from './access.ts';

/** Why credentials that were shown do not do (RFC 6750, 3.1); absent when none were shown. */
export type BearerError = 'invalid_token' | 'insufficient_scope';

export interface BearerRealm {
  /** URL where clients ask for tokens. */
  readonly realm: string;
  readonly service: string;
}

/** The challenge exactly as Notary sends it; clients ask `realm` for a token of this service and scope. */
export function bearerChallenge({ realm, service }: BearerRealm, wanted: Access, error?: BearerError): string {
  const parameters = [`realm=${quoted(realm)}`, `service=${quoted(service)}`, `scope=${quoted(scopeOf(wanted))}`];
  if (error !== undefined) parameters.push(`error=${quoted(error)}`);
  return `Bearer ${parameters.join(',')}`;
}

/**
 * A quoted string of a header. A GUN may hold letters beyond ASCII: a header carries bytes, so its UTF-8 is handed on
 * byte for byte, as Go does. What would end the header is in no GUN.
 */
function quoted(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return `"${bytes.replace(/["\\]/g, '\\$&').replace(/\p{Cc}/gu, (char) => (char < ' ' || char === '\x7f' ? '?' : char))}"`;
}

/** A name with an optional port, or an address, as `Host` may hold it; nothing that could change a URL's meaning. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;

/**
 * The realm on the host that the client asked, as Notary's `autoredirect` has it. Whoever sends another `Host` gets
 * another realm, yet only in their own answer: a 401 is not to be kept (`no-store`), and what is no host is passed over.
 */
export function realmOnHost(request: Request, otherwise: string, scheme: 'https' | 'http' = 'https'): string {
  const host = request.headers.get('host') ?? '';
  return HOST.test(host) ? `${scheme}://${host}${TOKEN_PATH}` : otherwise;
}

/** Where Notary's `autoredirect` sends clients, and where a server with users of its own gives tokens. */
export const TOKEN_PATH = '/auth/token';
