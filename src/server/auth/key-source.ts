// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../service/index.ts';
import { AuthenticationSetupError, AuthenticationUnavailableError } from './authenticator.ts';
import { readBundle, readKeySet, type TokenKey, type TrustedKeys, trustedKeys } from './trusted-keys.ts';

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
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** How old keys may be before they are looked for anew, and how soon an unknown key may make it happen. */
const REFRESH_MS = 10 * 60_000;
const UNKNOWN_KEY_MS = 30_000;
const FETCH_MS = 5000;
const MAX_BYTES = 256 * 1024;

/**
 * Keys from files and a URL, looked for anew from time to time and, seldom, when a token names an unknown one. Keys that
 * were had once stay in use while a file is being replaced or the URL cannot be reached.
 */
export class KeySource {
  readonly #options: KeySourceOptions;
  readonly #elapsed: () => number;
  #keys: TrustedKeys | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #stamp = '';
  #loading: Promise<void> | undefined;

  private constructor(options: KeySourceOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  /**
   * A missing or unusable file ends the start; a URL that cannot be reached does not, since services start in any order.
   * @throws AuthenticationSetupError
   */
  static async open(options: KeySourceOptions): Promise<KeySource> {
    if (options.certificates === undefined && options.jwks === undefined && options.jwksUrl === undefined) {
      throw new AuthenticationSetupError('token authentication needs a certificate bundle or a key set');
    }
    if (options.jwksUrl !== undefined) requireProtected(options.jwksUrl);
    const source = new KeySource(options);
    try {
      await source.#load();
    } catch (error) {
      if (error instanceof AuthenticationSetupError) throw error;
      options.log.warn({ error }, 'keys of tokens cannot be had yet');
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
      .catch((error) => this.#options.log.warn({ error }, 'keys of tokens cannot be looked for; known ones stay'))
      .finally(() => {
        this.#loading = undefined;
      });
    await this.#loading;
  }

  async #load(): Promise<void> {
    this.#checkedAt = this.#elapsed();
    const { certificates, jwks, jwksUrl } = this.#options;
    const stamp = `${await stampOf(certificates)} ${await stampOf(jwks)}`;
    if (this.#keys !== undefined && jwksUrl === undefined && stamp === this.#stamp) return;
    const bundle = certificates === undefined ? [] : readBundle(await readText(certificates), certificates);
    const keys: TokenKey[] = jwks === undefined ? [] : [...readKeySet(await readText(jwks), jwks)];
    if (jwksUrl !== undefined) keys.push(...readKeySet(await this.#fetchText(jwksUrl), jwksUrl));
    const found = trustedKeys(bundle, keys);
    if (bundle.length === 0 && found.byId.size === 0) throw new AuthenticationSetupError('no usable key of tokens');
    this.#keys = found;
    this.#stamp = stamp;
  }

  async #fetchText(url: string): Promise<string> {
    const request = this.#options.fetch ?? fetch;
    const headers = { accept: 'application/json' };
    const signal = AbortSignal.timeout(FETCH_MS);
    try {
      const response = await request(url, { headers, redirect: 'error', signal });
      if (response.status !== 200) throw new Error(`answered ${response.status}`);
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of response.body ?? []) {
        length += chunk.length;
        if (length > MAX_BYTES) throw new Error(`sent more than ${MAX_BYTES} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    } catch (cause) {
      throw new AuthenticationUnavailableError(`keys of tokens cannot be had from ${url}`, { cause });
    }
  }
}

function requireProtected(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url?.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || local) return;
  throw new AuthenticationSetupError('the URL of a key set has to be https');
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AuthenticationSetupError(`${path} cannot be read`, { cause });
  }
}

async function stampOf(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  const { mtimeMs, size, ino } = await stat(path).catch((cause) => {
    throw new AuthenticationSetupError(`${path} cannot be read`, { cause });
  });
  return `${mtimeMs} ${size} ${ino}`;
}
