// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../service/index.ts';
import { AuthenticationSetupError, AuthenticationUnavailableError } from './authenticator.ts';
import { bundleFile, type FetchKeys, type FoundKeys, type KeyOrigin, keySetFile, keySetUrl } from './key-origins.ts';
import { type TrustedKeys, trustedKeys } from './trusted-keys.ts';

/** Where the keys of tokens come from. Nothing of it is ever taken from a token (S33, S34). */
export interface KeySourceOptions {
  /** File of PEM certificates: `rootcertbundle` in Notary's configuration. */
  readonly certificates?: string;
  /** File of a JSON Web Key Set. */
  readonly jwks?: string;
  /** URL of one: https, or http on loopback. */
  readonly jwksUrl?: string;
  readonly log: Log;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed?: () => number;
  readonly fetch?: FetchKeys;
}

/** How old keys may be before they are looked for anew, and how soon an unknown key may make it happen. */
const REFRESH_MS = 10 * 60_000;
const UNKNOWN_KEY_MS = 30_000;

/**
 * Keys from files and a URL, looked for anew from time to time and, seldom, when a token names an unknown one. Each origin
 * stands for itself: what was had from it once stays in use while the file is being replaced or the URL cannot be reached,
 * and what another has taken back is gone nevertheless.
 */
export class KeySource {
  readonly #origins: readonly KeyOrigin[];
  readonly #log: Log;
  readonly #elapsed: () => number;
  readonly #found = new Map<KeyOrigin, FoundKeys>();
  #keys: TrustedKeys | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  private constructor(origins: readonly KeyOrigin[], { log, elapsed }: KeySourceOptions) {
    this.#origins = origins;
    this.#log = log;
    this.#elapsed = elapsed ?? (() => performance.now());
  }

  /**
   * A missing or unusable file ends the start; whatever is wrong with the URL does not, since services start in any order.
   * @throws AuthenticationSetupError
   */
  static async open(options: KeySourceOptions): Promise<KeySource> {
    const { certificates, jwks, jwksUrl, log } = options;
    // in this order: of two keys with one name the first counts, so a URL cannot take the name of a file's key
    const origins = [
      ...(certificates === undefined ? [] : [bundleFile(certificates)]),
      ...(jwks === undefined ? [] : [keySetFile(jwks)]),
      ...(jwksUrl === undefined ? [] : [keySetUrl(jwksUrl, options.fetch)]),
    ];
    if (origins.length === 0) {
      throw new AuthenticationSetupError('token authentication needs a certificate bundle or a key set');
    }
    const source = new KeySource(origins, options);
    for (const error of await source.#load()) {
      if (error instanceof AuthenticationSetupError) throw error;
      log.warn({ error }, 'keys of tokens cannot be had yet');
    }
    return source;
  }

  /** @throws AuthenticationUnavailableError if there never were any */
  async keys(): Promise<TrustedKeys> {
    if (this.#keys === undefined) await this.#reload(UNKNOWN_KEY_MS / 10);
    else if (this.#elapsed() - this.#checkedAt > REFRESH_MS) void this.#reload(REFRESH_MS);
    if (this.#keys === undefined) throw new AuthenticationUnavailableError('keys of tokens cannot be had');
    return this.#keys;
  }

  /** The keys after a look for new ones, since a token names one that is not known; bounded in how often (S32). */
  async afterUnknownKey(): Promise<TrustedKeys> {
    await this.#reload(UNKNOWN_KEY_MS);
    return this.keys();
  }

  async #reload(notWithin: number): Promise<void> {
    if (this.#loading === undefined && this.#elapsed() - this.#checkedAt < notWithin) return;
    this.#loading ??= this.#load()
      .then((errors) => {
        for (const error of errors) this.#log.warn({ error }, 'keys of tokens cannot be looked for; known ones stay');
      })
      .finally(() => {
        this.#loading = undefined;
      });
    await this.#loading;
  }

  /** Resolves to what was wrong with single origins. */
  async #load(): Promise<readonly unknown[]> {
    this.#checkedAt = this.#elapsed();
    const looks = await Promise.allSettled(this.#origins.map((origin) => this.#look(origin)));
    return looks.flatMap((look) => (look.status === 'rejected' ? [look.reason] : []));
  }

  /** What is found counts at once: a slow URL does not put off what a file has taken back. */
  async #look(origin: KeyOrigin): Promise<void> {
    const found = await origin.look();
    if (this.#found.get(origin) === found) return;
    this.#found.set(origin, found);
    const all = this.#origins.flatMap((each) => this.#found.get(each) ?? []);
    this.#keys = trustedKeys(
      all.flatMap(({ certificates }) => certificates),
      all.flatMap(({ keys }) => keys),
    );
  }
}
