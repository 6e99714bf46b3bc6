// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { ResourceActions } from './access.ts';
import { type ChainLeaf, chainLeaf } from './certificate-chain.ts';
import { jwkKey, type TokenKey, type TrustedKeys, thumbprintOf, tokenKey } from './trusted-keys.ts';

/** What a token that was found good says. */
export interface TokenClaims {
  readonly subject: string;
  readonly grants: readonly ResourceActions[];
  readonly payload: JWTPayload;
}

/** Where keys come from: one set that stays, or a {@link KeySource}. */
export interface TokenKeys {
  keys(): Promise<TrustedKeys>;
  afterUnknownKey(): Promise<TrustedKeys>;
}

export interface TokenRules {
  readonly issuer: string;
  /** The audience that a token has to be for. */
  readonly service: string;
  /** By how much clocks may differ. */
  readonly skewSeconds: number;
  readonly clock: () => Date;
}

/** Longer tokens are not looked at; Docker's, with chain and many scopes, have a few KiB. */
const MAX_TOKEN = 16 * 1024;
const MAX_GRANTS = 1000;
const MAX_CACHED = 10_000;

interface Verified {
  readonly claims: TokenClaims;
  /** Milliseconds since 1970, the allowed difference of clocks included. */
  readonly from: number;
  readonly until: number;
  /** The keys that it was checked with: others make it unknown. */
  readonly keys: TrustedKeys;
}

/**
 * Checks tokens of Docker's registry token specification. The signature's algorithm follows from the key, and the key is
 * one of those configured: a token only says which (S33). A token that was found good is remembered by its hash until it
 * ends, so that the next request with it costs microseconds.
 */
export class TokenVerifier {
  readonly #rules: TokenRules;
  readonly #source: TokenKeys;
  readonly #known = new Map<string, Verified>();

  constructor(source: TokenKeys, rules: TokenRules) {
    this.#source = source;
    this.#rules = rules;
  }

  /** `undefined` for a token that is not good. @throws AuthenticationUnavailableError */
  async verify(token: string): Promise<TokenClaims | undefined> {
    if (token.length > MAX_TOKEN) return undefined;
    const keys = await this.#source.keys();
    const name = hash('sha256', token, 'base64');
    const now = this.#rules.clock();
    const known = this.#known.get(name);
    if (known !== undefined) {
      if (known.keys === keys && known.from <= now.getTime() && now.getTime() < known.until) return known.claims;
      this.#known.delete(name);
    }
    return this.#verifyAnew(name, token, keys, now);
  }

  async #verifyAnew(name: string, token: string, keys: TrustedKeys, now: Date): Promise<TokenClaims | undefined> {
    try {
      const used = await this.#keyOf(token, keys, now);
      if (used === undefined) return undefined;
      const { issuer, service, skewSeconds } = this.#rules;
      const { payload } = await jwtVerify(token, used.trusted.key, {
        algorithms: [...used.trusted.algorithms],
        issuer,
        audience: service,
        clockTolerance: skewSeconds,
        currentDate: now,
        requiredClaims: ['exp'],
      });
      const claims = { subject: payload.sub ?? '', grants: grantsOf(payload.access), payload };
      this.#remember(name, claims, used);
      return claims;
    } catch (error) {
      // jose says so of a token that is not good, and with a TypeError of one that is none
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
      throw error;
    }
  }

  #remember(name: string, claims: TokenClaims, { trusted, keys }: UsedKey): void {
    const skew = this.#rules.skewSeconds;
    const { exp = 0, nbf = 0 } = claims.payload;
    if (this.#known.size >= MAX_CACHED) {
      for (const [oldest] of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    }
    const until = Math.min((exp + skew) * 1000, trusted.until?.getTime() ?? Number.POSITIVE_INFINITY);
    this.#known.set(name, { claims, from: (nbf - skew) * 1000, until, keys });
  }

  /** The configured key that a token names, in the order of the original: by chain, by key, by name. */
  async #keyOf(token: string, keys: TrustedKeys, now: Date): Promise<UsedKey | undefined> {
    const header = decodeProtectedHeader(token) as NamedKey;
    const trusted = keyOfHeader(header, keys, now);
    if (trusted !== undefined) return { trusted, keys };
    const newer = await this.#source.afterUnknownKey();
    const found = newer === keys ? undefined : keyOfHeader(header, newer, now);
    return found && { trusted: found, keys: newer };
  }
}

/** The key that a token was checked with, of these. */
interface UsedKey {
  readonly trusted: TokenKey;
  readonly keys: TrustedKeys;
}

/** How a token says which key it was signed with. */
interface NamedKey {
  readonly x5c?: unknown;
  readonly jwk?: unknown;
  readonly kid?: unknown;
}

function keyOfHeader({ x5c, jwk, kid }: NamedKey, keys: TrustedKeys, now: Date): TokenKey | undefined {
  if (x5c !== undefined && keys.certificates.length > 0) {
    return keyOfLeaf(chainLeaf(x5c, keys.certificates, now));
  }
  return jwk === undefined ? keyNamed(kid, keys) : keyOfJwk(jwk, keys, now);
}

function keyNamed(kid: unknown, { byId }: TrustedKeys): TokenKey | undefined {
  return typeof kid === 'string' ? byId.get(kid) : undefined;
}

/** The key in a token is only compared with those configured; what is used is ours. */
function keyOfJwk(jwk: unknown, { byThumbprint, certificates }: TrustedKeys, now: Date): TokenKey | undefined {
  const stated = jwkKey(jwk);
  if (stated === undefined) return undefined;
  const known = byThumbprint.get(thumbprintOf(stated));
  if (known !== undefined) return known;
  const leaf = chainLeaf((jwk as { x5c?: unknown }).x5c, certificates, now);
  return leaf?.certificate.publicKey.equals(stated) === true ? keyOfLeaf(leaf) : undefined;
}

function keyOfLeaf(leaf: ChainLeaf | undefined): TokenKey | undefined {
  const key = leaf && tokenKey(leaf.certificate.publicKey);
  return key && { ...key, until: leaf.until };
}

/** What is not spelled as the specification has it grants nothing. */
function grantsOf(access: unknown): readonly ResourceActions[] {
  if (!Array.isArray(access)) return [];
  return access.slice(0, MAX_GRANTS).flatMap((entry: Partial<ResourceActions> | null) => {
    const { type, name, actions } = entry ?? {};
    if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions)) return [];
    return [{ type, name, actions: actions.filter((action) => typeof action === 'string') }];
  });
}

const BEARER = /^bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/** The token of an `Authorization` header; `undefined` if it holds none. */
export function bearerToken(request: Request): string | undefined {
  return BEARER.exec(request.headers.get('authorization') ?? '')?.[1];
}
