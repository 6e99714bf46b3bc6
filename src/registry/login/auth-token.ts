// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeJsonObject, encodeBase64, encodeUtf8 } from '../../encoding/index.ts';
import { RegistryError } from '../errors.ts';
import { problemsOf, problemText } from '../problems.ts';
import { collect } from '../streams.ts';
import { failureText, guardedBody, type Timeouts, type Transport, Watchdog } from '../transport.ts';

/** What a user has to show for a registry. */
export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string }
  | { readonly kind: 'registry-token'; readonly token: string };

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface Token {
  readonly text: string;
  /** Seconds that it is valid for, counted from its arrival. */
  readonly lifetime: number;
}

const CLIENT_ID = 'hallmark';
const MAX_ANSWER = 256 * 1024;
/** The registry token specification's default and floor. */
const DEFAULT_LIFETIME = 60;

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${encodeBase64(encodeUtf8(`${username}:${password}`))}`;
}

/**
 * Asks a token service: GET with Basic or anonymously, POST with a refresh token for an identity token.
 * @throws RegistryError
 */
export async function fetchToken(transport: Transport, timeouts: Timeouts, request: TokenRequest): Promise<Token> {
  const { realm } = request;
  const watchdog = new Watchdog(timeouts.answer, request.signal);
  try {
    const response = await watchdog.guard(transportCall(transport, request, watchdog.signal));
    const body = await collect(guardedBody(response, watchdog, timeouts.idle), MAX_ANSWER);
    if (response.status !== 200) throw refusal(realm, response.status, body);
    return decodeToken(realm, body);
  } catch (error) {
    if (error instanceof RegistryError || request.signal?.aborted === true) throw error;
    throw new RegistryError('unavailable', `token service ${realm.host}: ${failureText(error)}`, { cause: error });
  } finally {
    watchdog.stop();
  }
}

function transportCall(transport: Transport, request: TokenRequest, signal: AbortSignal): Promise<Response> {
  const { credentials, service, scopes } = request;
  const headers = new Headers({ accept: 'application/json' });
  if (credentials?.kind === 'identity-token') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: credentials.token,
      client_id: CLIENT_ID,
    });
    if (service !== undefined) form.set('service', service);
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    headers.set('content-type', 'application/x-www-form-urlencoded');
    return transport(request.realm.href, { method: 'POST', headers, body: encodeUtf8(form.toString()), signal });
  }
  const url = new URL(request.realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials?.kind === 'basic') {
    url.searchParams.set('account', credentials.username);
    headers.set('authorization', basicAuthorization(credentials.username, credentials.password));
  }
  return transport(url.href, { method: 'GET', headers, signal });
}

function refusal(realm: URL, status: number, body: Uint8Array | undefined): RegistryError {
  const problems = problemsOf(body);
  const code = status === 401 || status === 400 ? 'unauthorized' : status === 403 ? 'denied' : 'unavailable';
  const text =
    problemText(problems) ?? (code === 'unavailable' ? `answered ${status}` : 'credentials are not accepted');
  return new RegistryError(code, `token service ${realm.host}: ${text}`, { status, host: realm.host, problems });
}

function decodeToken(realm: URL, body: Uint8Array | undefined): Token {
  const bad = (what: string, cause?: unknown): RegistryError =>
    new RegistryError('malformed', `token service ${realm.host}: ${what}`, { host: realm.host, cause });
  if (body === undefined) throw bad('answer is too long');
  try {
    const answer = decodeJsonObject(body, { depth: 8, values: 1000 });
    const text = answer.get('token') || answer.get('access_token');
    // a header value, so nothing that would end the header
    if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) throw bad('answer holds no token');
    const lifetime = answer.get('expires_in');
    return { text, lifetime: typeof lifetime === 'number' ? Math.max(lifetime, DEFAULT_LIFETIME) : DEFAULT_LIFETIME };
  } catch (error) {
    if (error instanceof DecodeError) throw bad('answer is not JSON', error);
    throw error;
  }
}
