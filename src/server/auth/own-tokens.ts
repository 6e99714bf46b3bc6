// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type JWTPayload, SignJWT } from 'jose';
import type { ResourceActions } from './access.ts';
import { AuthenticationSetupError } from './authenticator.ts';
import type { Session } from './reader.ts';
import { type TokenClaims, TokenVerifier } from './token-verifier.ts';
import { algorithmsOf, tokenKey, trustedKeys } from './trusted-keys.ts';

const ISSUER = 'hallmark';
/** How long a token holds: as long as a client may take for one publish. */
const LIFETIME_SECONDS = 300;
/** How long a browser stays signed in: a working day. */
const SESSION_SECONDS = 8 * 3600;
/** Replicas that share a key have clocks of their own. */
const SKEW_SECONDS = 5;

/** The user that a token is for, bound to the hash of the password that it was given for. */
export interface TokenHolder {
  readonly user: string;
  readonly hash: string;
}

/** A token with the moment of its making, as the answer to a client needs it. */
export interface GivenToken {
  readonly token: string;
  readonly lifetimeSeconds: number;
  readonly issuedAt: Date;
}

/** Tokens that this server gives itself, and takes. */
export class OwnTokens {
  readonly verifier: TokenVerifier;
  /** Sessions of browsers are for another audience: the API takes none of them, and they open no API. */
  readonly sessions: TokenVerifier;
  readonly #key: KeyObject;
  readonly #service: string;
  readonly #clock: () => Date;

  private constructor(key: KeyObject, service: string, clock: () => Date) {
    const publicKey = createPublicKey(key);
    const trusted = tokenKey(publicKey, KEY_ID);
    if (trusted === undefined)
      throw new AuthenticationSetupError('the key of tokens is of a kind that cannot sign them');
    const keys = trustedKeys([], [trusted]);
    const source = { keys: async () => keys, afterUnknownKey: async () => keys };
    const rules = { issuer: ISSUER, skewSeconds: SKEW_SECONDS, clock };
    this.verifier = new TokenVerifier(source, { ...rules, service });
    this.sessions = new TokenVerifier(source, { ...rules, service: sessionAudience(service) });
    this.#key = key;
    this.#service = service;
    this.#clock = clock;
  }

  /**
   * With a key of this process, gone with it; or one from a file, where replicas have to take each other's tokens.
   * @throws AuthenticationSetupError
   */
  static async open(path: string | undefined, service: string, clock: () => Date): Promise<OwnTokens> {
    const key = path === undefined ? generateKeyPairSync('ed25519').privateKey : await readKey(path);
    return new OwnTokens(key, service, clock);
  }

  async give(holder: TokenHolder | undefined, access: readonly ResourceActions[]): Promise<GivenToken> {
    const issuedAt = this.#clock();
    const bound = holder === undefined ? {} : bindingTo(holder);
    const token = await this.#sign({ access, ...bound }, this.#service, issuedAt, LIFETIME_SECONDS);
    return { token, lifetimeSeconds: LIFETIME_SECONDS, issuedAt };
  }

  /** It grants nothing by itself: what its user may see is asked anew each time. */
  async session(holder: TokenHolder): Promise<Session> {
    const audience = sessionAudience(this.#service);
    const token = await this.#sign(bindingTo(holder), audience, this.#clock(), SESSION_SECONDS);
    return { token, lifetimeSeconds: SESSION_SECONDS };
  }

  #sign(claims: JWTPayload, audience: string, issuedAt: Date, lifetime: number): Promise<string> {
    const now = Math.floor(issuedAt.getTime() / 1000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithmsOf(createPublicKey(this.#key))[0] as string, kid: KEY_ID, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + lifetime)
      .sign(this.#key);
  }
}

function sessionAudience(service: string): string {
  return `${service} console`;
}

function bindingTo(holder: TokenHolder): JWTPayload {
  return { sub: holder.user, pwd: bindingOf(holder) };
}

const KEY_ID = 'hallmark';

/** Whether the user still has the password that the token was given for. */
export function isStillBound({ payload }: TokenClaims, holder: TokenHolder): boolean {
  return payload.pwd === bindingOf(holder);
}

function bindingOf({ user, hash }: TokenHolder): string {
  return createHash('sha256')
    .update(JSON.stringify([user, hash]))
    .digest('base64url')
    .slice(0, 22);
}

async function readKey(path: string): Promise<KeyObject> {
  try {
    return createPrivateKey(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new AuthenticationSetupError(`${path} holds no private key that can be read`, { cause });
  }
}
