// SPDX-License-Identifier: Apache-2.0
import { noteOrigin, originOf, targetUrl } from '../service/index.ts';
import type { Session } from './source.ts';

/**
 * `__Host-`: a browser takes it over TLS alone (or from localhost), for no path but `/`, and from no other host of the
 * same domain. The API never looks at cookies, so a page elsewhere that makes a browser send one changes nothing.
 */
const NAME = '__Host-hallmark';
const RULES = 'Path=/; Secure; HttpOnly; SameSite=Strict';
/** Browsers keep no cookie of more than 4096 bytes, name and rules included. */
const MAX_TOKEN = 3800;
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** `undefined` for a token that no cookie can hold. */
export function sessionCookie({ token, lifetimeSeconds }: Session): string | undefined {
  if (token.length > MAX_TOKEN || !TOKEN.test(token)) return undefined;
  return `${NAME}=${token}; Max-Age=${lifetimeSeconds}; ${RULES}`;
}

export const NO_SESSION = `${NAME}=; Max-Age=0; ${RULES}`;

function sessionIn(request: Request): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split(/; */);
  const value = pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
  return value === undefined || !TOKEN.test(value) ? undefined : value;
}

export interface Shown {
  readonly request: Request;
  readonly hasSession: boolean;
}

/** The request with what it shows in the `Authorization` header: what a proxy put there comes before the session. */
export function withSession(request: Request): Shown {
  const session = request.headers.has('authorization') ? undefined : sessionIn(request);
  if (session === undefined) return { request, hasSession: false };
  return { request: showing(request, `Bearer ${session}`), hasSession: true };
}

/** A request from the same place with these credentials. */
export function showing(request: Request, authorization: string): Request {
  // its own URL may name no usable host, and then is none
  const made = new Request(targetUrl(request.url).href, { headers: { authorization } });
  noteOrigin(made, () => originOf(request));
  return made;
}
