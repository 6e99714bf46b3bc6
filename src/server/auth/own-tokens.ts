// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SignJWT } from 'jose';
import type { ResourceActions } from './access.ts';
import { AuthenticationSetupError } from './authenticator.ts';
import { type TokenClaims, TokenVerifier } from './token-verifier.ts';
import { algorithmsOf, tokenKey, trustedKeys } from './trusted-keys.ts';

const ISSUER = 'hallmark';
/** How long a token holds: as long as a client may take for one publish. */
const LIFETIME_SECONDS = 300;
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
    this.verifier = new TokenVerifier(source, { issuer: ISSUER, service, skewSeconds: SKEW_SECONDS, clock });
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
    const now = Math.floor(issuedAt.getTime() / 1000);
    const bound = holder === undefined ? {} : { sub: holder.user, pwd: bindingOf(holder) };
    const token = await new SignJWT({ access, ...bound })
      .setProtectedHeader({ alg: algorithmsOf(createPublicKey(this.#key))[0] as string, kid: KEY_ID, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(this.#service)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + LIFETIME_SECONDS)
      .sign(this.#key);
    return { token, lifetimeSeconds: LIFETIME_SECONDS, issuedAt };
  }
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
