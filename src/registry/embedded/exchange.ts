// SPDX-License-Identifier: Apache-2.0
import { type Digest, isDigest } from '../digest.ts';
import { Problem } from './problems.ts';
import type { RegistryStorage } from './storage.ts';

export interface RegistryLimits {
  /** Bytes of a manifest, at most. */
  readonly manifestBytes: number;
  /** Bytes of a blob, at most. */
  readonly blobBytes: number;
  /** Uploads under way at once, at most. */
  readonly uploads: number;
}

export const DEFAULT_LIMITS: RegistryLimits = {
  manifestBytes: 4 * 1024 * 1024,
  blobBytes: 16 * 1024 * 1024 * 1024,
  uploads: 1000,
};

/** What a handler is given: the request, the repository that it names, and the rest of the path. */
export interface Exchange {
  readonly request: Request;
  readonly url: URL;
  readonly storage: RegistryStorage;
  readonly limits: RegistryLimits;
  readonly repository: string;
  /** Tag, digest or upload id, as it stands in the path. */
  readonly last: string;
  readonly uploads: UploadLedger;
}

/**
 * The uploads under way. One request at a time may write to one; when there are too many, the one that was left alone
 * longest gives way, so that abandoned uploads neither pile up nor lock anybody out (S23).
 */
export class UploadLedger {
  readonly #open = new Map<string, { readonly repository: string }>();
  readonly #busy = new Set<string>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes up an upload; whoever is returned has to be cancelled for it. @throws Problem `TOOMANYREQUESTS` */
  begin(id: string, repository: string): { readonly id: string; readonly repository: string } | undefined {
    const oldest =
      this.#open.size < this.#limit ? undefined : [...this.#open].find(([other]) => !this.#busy.has(other));
    if (this.#open.size >= this.#limit && oldest === undefined) {
      throw new Problem('TOOMANYREQUESTS', 'too many uploads under way');
    }
    if (oldest !== undefined) this.#open.delete(oldest[0]);
    this.#open.set(id, { repository });
    return oldest === undefined ? undefined : { id: oldest[0], repository: oldest[1].repository };
  }

  end(id: string): void {
    this.#open.delete(id);
  }

  async exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw new Problem('RANGE_INVALID', 'another request is writing to this upload');
    this.#busy.add(id);
    const entry = this.#open.get(id);
    if (entry !== undefined && this.#open.delete(id)) this.#open.set(id, entry); // youngest again
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }
}

export function requireDigest(text: string | null): Digest {
  if (text === null || !isDigest(text)) throw new Problem('DIGEST_INVALID', 'provided digest is not valid');
  return text;
}

export function empty(status: number, headers: Record<string, string>): Response {
  return new Response(null, { status, headers });
}

/** Passes on at most `limit` bytes. @throws Problem `SIZE_INVALID` */
export async function* atMost(content: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > limit) throw new Problem('SIZE_INVALID', `content of more than ${limit} bytes`);
    yield chunk;
  }
}
