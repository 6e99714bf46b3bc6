// SPDX-License-Identifier: Apache-2.0
import { SQLiteError } from 'bun:sqlite';
import { DownloadError } from '../client/index.ts';
import { type Decision, type Refusal, refusalText } from '../policy/index.ts';
import { RegistryError } from '../registry/index.ts';
import { MetadataError } from '../tuf/index.ts';

/** Why a request is not answered with content; this file alone knows what that is in HTTP. */
export type RefusalKind =
  | 'denied' // the policy, or content that is not what it should be
  | 'unavailable' // trust data or the registry could not be had, or the trust data have expired
  | 'unknown-manifest'
  | 'unknown-blob'
  | 'not-found'
  | 'bad-name'
  | 'read-only'
  | 'unsupported';

export class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';
  readonly kind: RefusalKind;
  readonly detail: object | undefined;

  constructor(
    kind: RefusalKind,
    message: string,
    options: { readonly detail?: object; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.detail = options.detail;
  }

  /** Whether the gateway's own state is the reason: somebody has to see to it. */
  get isOwnFault(): boolean {
    return this.cause instanceof SQLiteError;
  }
}

const RETRY_AFTER_SECONDS = 5;
const IN_HTTP: Readonly<Record<RefusalKind, readonly [status: number, code: string]>> = {
  denied: [403, 'DENIED'],
  unavailable: [503, 'UNAVAILABLE'],
  'unknown-manifest': [404, 'MANIFEST_UNKNOWN'],
  'unknown-blob': [404, 'BLOB_UNKNOWN'],
  'not-found': [404, 'UNSUPPORTED'],
  'bad-name': [400, 'NAME_INVALID'],
  'read-only': [405, 'UNSUPPORTED'],
  unsupported: [404, 'UNSUPPORTED'],
};

/** The refusal in the form of the registry API; engines show its message. */
export function refusalResponse(refusal: GatewayRefusal, isHead: boolean): Response {
  const [status, code] = IN_HTTP[refusal.kind];
  const detail = refusal.detail === undefined ? {} : { detail: refusal.detail };
  const body = JSON.stringify({ errors: [{ code, message: refusal.message, ...detail }] });
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  if (status === 503) headers['retry-after'] = String(RETRY_AFTER_SECONDS);
  if (status === 405) headers.allow = 'GET, HEAD';
  return new Response(isHead ? null : body, { status, headers });
}

/** What a policy does not let through. */
export function byPolicy(refusal: Refusal, about: Pick<Decision, 'reference' | 'gun' | 'rule'>): GatewayRefusal {
  const { reference, gun, rule: policy } = about;
  // who waits for a timestamp to be renewed is told to come again; nothing is let through meanwhile
  const kind = refusal.outcome === 'deny' && refusal.code !== 'expired' ? 'denied' : 'unavailable';
  const detail = { ...(gun === undefined ? {} : { gun }), reference, reason: refusal.code, step: refusal.step, policy };
  return new GatewayRefusal(kind, `content trust: ${reference}: ${refusalText(refusal, policy)}`, { detail });
}

/** What went wrong on the way; anything that nobody foresaw is thrown on. */
export function refusalOf(error: unknown, missing: 'unknown-manifest' | 'unknown-blob'): GatewayRefusal {
  if (error instanceof GatewayRefusal) return error;
  if (error instanceof RegistryError) return registryRefusal(error, missing);
  if (error instanceof DownloadError) return new GatewayRefusal('unavailable', error.message, { cause: error });
  if (error instanceof MetadataError) return new GatewayRefusal('denied', error.message, { cause: error });
  if (error instanceof SQLiteError)
    return new GatewayRefusal('unavailable', `what the gateway keeps cannot be used: ${error.message}`, {
      cause: error,
    });
  throw error;
}

/** Content that is not what its digest, length or type says is bad evidence; all else of a registry could not be had. */
function registryRefusal(error: RegistryError, missing: 'unknown-manifest' | 'unknown-blob'): GatewayRefusal {
  const detail = { reason: error.code };
  switch (error.code) {
    case 'not-found':
      return new GatewayRefusal(missing, error.message, { detail, cause: error });
    case 'digest-mismatch':
    case 'length-mismatch':
    case 'malformed':
    case 'unsupported':
    case 'too-large':
    case 'redirect-refused':
    case 'realm-refused':
    case 'insecure':
      return new GatewayRefusal('denied', `content trust: ${error.message}`, { detail, cause: error });
    case 'unauthorized':
    case 'denied':
    case 'unavailable':
    case 'rate-limited':
    case 'timeout':
    case 'rejected':
      // never 401: an engine would answer it with its user's password; never 429: it would be asked again and again
      return new GatewayRefusal('unavailable', error.message, { detail, cause: error });
    default:
      return error.code satisfies never;
  }
}
