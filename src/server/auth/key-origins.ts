// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { AuthenticationSetupError, AuthenticationUnavailableError } from './authenticator.ts';
import { readBundle, readKeySet, type TokenKey } from './trusted-keys.ts';

export interface FoundKeys {
  readonly certificates: readonly X509Certificate[];
  readonly keys: readonly TokenKey[];
}

/** One place where keys of tokens come from. */
export interface KeyOrigin {
  /** What is there now; the same object for as long as nothing has changed. */
  look(): Promise<FoundKeys>;
}

export type FetchKeys = (url: string, init: RequestInit) => Promise<Response>;

const FETCH_MS = 5000;
const MAX_BYTES = 256 * 1024;

/** A file of PEM certificates. Its `look` rejects with AuthenticationSetupError. */
export function bundleFile(path: string): KeyOrigin {
  return new FileOrigin(path, (text) => ({ certificates: readBundle(text, path), keys: [] }));
}

/** A file of a JSON Web Key Set. Its `look` rejects with AuthenticationSetupError. */
export function keySetFile(path: string): KeyOrigin {
  return new FileOrigin(path, (text) => ({ certificates: [], keys: readKeySet(text, path) }));
}

/**
 * The URL of a key set. Its `look` rejects with AuthenticationUnavailableError for whatever is wrong there, also for an
 * answer that is no key set: an operator has no hand in it, and it may be right again a minute later.
 * @throws AuthenticationSetupError for a URL that is not protected on its way
 */
export function keySetUrl(url: string, request: FetchKeys = fetch): KeyOrigin {
  requireProtected(url);
  const look = async () => {
    try {
      return { certificates: [], keys: readKeySet(await fetchText(url, request), url) };
    } catch (cause) {
      throw new AuthenticationUnavailableError(`keys of tokens cannot be had from ${url}`, { cause });
    }
  };
  return { look };
}

class FileOrigin implements KeyOrigin {
  readonly #path: string;
  readonly #read: (text: string) => FoundKeys;
  #last: { readonly stamp: string; readonly found: FoundKeys } | undefined;

  constructor(path: string, read: (text: string) => FoundKeys) {
    this.#path = path;
    this.#read = read;
  }

  async look(): Promise<FoundKeys> {
    const stamp = await this.#reading(async () => {
      const { mtimeMs, size, ino } = await stat(this.#path);
      return `${mtimeMs} ${size} ${ino}`;
    });
    if (this.#last?.stamp === stamp) return this.#last.found;
    const found = this.#read(await this.#reading(() => readFile(this.#path, 'utf8')));
    this.#last = { stamp, found };
    return found;
  }

  async #reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new AuthenticationSetupError(`${this.#path} cannot be read`, { cause });
    }
  }
}

async function fetchText(url: string, request: FetchKeys): Promise<string> {
  const headers = { accept: 'application/json' };
  const response = await request(url, { headers, redirect: 'error', signal: AbortSignal.timeout(FETCH_MS) });
  if (response.status !== 200) throw new Error(`answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new Error(`sent more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function requireProtected(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url?.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || local) return;
  throw new AuthenticationSetupError('the URL of a key set has to be https');
}
