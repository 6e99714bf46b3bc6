// SPDX-License-Identifier: Apache-2.0
import type { Gun } from '../tuf/index.ts';
import { absent, exchange, type HttpFetch } from './exchange.ts';

/** Where metadata comes from. Nothing that it gives is believed. */
export interface Fetcher {
  /**
   * The named file of a collection, at most `maxLength` bytes; undefined if the server says that it does not exist,
   * which is an answer and no failure.
   * @throws DownloadError
   */
  fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined>;
}

export interface HttpFetcherOptions {
  /** Base of the trust server, such as `https://notary.example.com`. */
  readonly server: string;
  readonly fetch?: HttpFetch;
  /** For one whole answer, headers and body. */
  readonly timeoutMilliseconds?: number;
}

const DEFAULT_TIMEOUT = 30_000;

/** Path of a collection's metadata on a trust server (reference 6.1). */
export function metadataUrl(server: string, gun: Gun, fileName = ''): string {
  return `${server.replace(/\/+$/, '')}/v2/${gun.split('/').map(encodeSegment).join('/')}/_trust/tuf/${fileName}`;
}

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll('%3A', ':');
}

/** Fetches over HTTP from a trust server. */
export class HttpFetcher implements Fetcher {
  readonly #server: string;
  readonly #fetch: HttpFetch;
  readonly #timeout: number;

  constructor(options: HttpFetcherOptions) {
    this.#server = options.server;
    this.#fetch = options.fetch ?? fetch;
    this.#timeout = options.timeoutMilliseconds ?? DEFAULT_TIMEOUT;
  }

  async fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    const url = metadataUrl(this.#server, gun, fileName);
    const answer = await exchange(this.#fetch, url, {}, { timeoutMilliseconds: this.#timeout, maxLength });
    return answer.status === 200 ? answer.body : absent(answer, url);
  }
}
