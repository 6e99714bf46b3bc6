// SPDX-License-Identifier: Apache-2.0
import {
  type Descriptor,
  type Digest,
  type ExpectedContent,
  isManifestType,
  RegistryError,
} from '../registry/index.ts';
import { BoundedMap } from '../tuf/index.ts';
import type { BlobCache } from './blob-cache.ts';
import type { ClosureStore } from './closure.ts';
import type { ImageName } from './names.ts';
import { parseRange } from './range.ts';
import { GatewayRefusal } from './refusals.ts';
import type { Upstreams } from './upstreams.ts';

export interface BlobRequest {
  readonly image: ImageName;
  readonly digest: Digest;
  /** How the repository's manifests name it, if one does. */
  readonly named: Descriptor | undefined;
  readonly isHead: boolean;
  /** The `Range` header. */
  readonly range: string | undefined;
}

/**
 * Blobs that were admitted: streamed through with their digest checked, from disk, or by sending the engine where the registry
 * would (engines check digests themselves). No byte of a blob that is not what it should be completes an answer.
 */
export class Blobs {
  readonly #closure: ClosureStore;
  readonly #upstreams: Upstreams;
  readonly #cache: BlobCache | undefined;
  /** Downloads into the cache: whoever else wants the blob waits for its file. */
  readonly #filling = new Map<Digest, Promise<unknown>>();
  readonly #bad = new BoundedMap<string, { readonly error: RegistryError; readonly until: number }>(MAX_BAD);
  readonly #elapsed: () => number;

  /** @param elapsed milliseconds of a clock that never goes back */
  constructor(closure: ClosureStore, upstreams: Upstreams, cache: BlobCache | undefined, elapsed: () => number) {
    this.#elapsed = elapsed;
    this.#closure = closure;
    this.#upstreams = upstreams;
    this.#cache = cache;
  }

  /** What a manifest of the repository names is a manifest: the one kind of blob that is kept elsewhere. */
  async isManifest({ image, digest, named }: BlobRequest): Promise<boolean> {
    if (named !== undefined && isManifestType(named.mediaType)) return true;
    return (await this.#closure.manifest(image, digest)) !== undefined;
  }

  /** @throws GatewayRefusal, RegistryError */
  async serve(request: BlobRequest): Promise<Response> {
    const { image, digest, named } = request;
    const client = this.#upstreams.client(image.domain);
    const size = named?.size ?? (await client.blobSize(image.path, digest));
    if (size === undefined) throw new GatewayRefusal('unknown-blob', `blob ${digest} is not known`);
    const expected = { digest, size };
    const mode = this.#upstreams.blobMode(image.domain);
    const headers = headersOf(expected, mode === 'cache');
    if (request.isHead) return new Response(null, { headers: { ...headers, 'content-length': String(size) } });
    if (mode === 'redirect') {
      const location = await client.blobLocation(image.path, digest);
      if (location !== undefined) return new Response(null, { status: 307, headers: { location: location.href } });
    }
    this.#refuseKnownBad(image, digest);
    if (mode === 'cache' && this.#cache?.takes(size)) return this.#cached(this.#cache, request, expected, headers);
    return answer(this.#content(image, expected), expected, headers);
  }

  /** The registry's bytes, checked by the time they end; that they were wrong is remembered for a while. */
  async *#content(image: ImageName, expected: ExpectedContent): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#upstreams.client(image.domain).blob(image.path, expected);
    } catch (error) {
      if (error instanceof RegistryError && (error.code === 'digest-mismatch' || error.code === 'length-mismatch'))
        this.#bad.set(badKey(image, expected.digest), { error, until: this.#elapsed() + BAD_MILLISECONDS });
      throw error;
    }
  }

  /** An engine that was cut off tries again for minutes, unless it is told why: so the second time it is. */
  #refuseKnownBad(image: ImageName, digest: Digest): void {
    const found = this.#bad.get(badKey(image, digest));
    if (found !== undefined && this.#elapsed() < found.until) throw found.error;
  }

  async #cached(
    cache: BlobCache,
    { image, range }: BlobRequest,
    expected: ExpectedContent,
    headers: Record<string, string>,
  ): Promise<Response> {
    const { digest } = expected;
    const path = (await cache.find(expected)) ?? (await this.#awaited(cache, expected));
    if (path !== undefined) return fileResponse(path, range, expected, headers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#filling.set(digest, promise);
    const end = () => {
      if (this.#filling.get(digest) === promise) this.#filling.delete(digest);
      resolve();
    };
    const content = intoCache(cache, this.#content(image, expected), expected);
    if (range === undefined) return answer(content, expected, headers, end);
    try {
      // the whole is fetched for a part of it, since only the whole can be checked
      for await (const _ of content);
    } finally {
      end();
    }
    const whole = await cache.find(expected);
    if (whole !== undefined) return fileResponse(whole, range, expected, headers);
    // it could not be kept: who asks for a part may be given the whole
    return answer(this.#content(image, expected), expected, headers);
  }

  /** The file that another request's download makes, if it does so in time. */
  async #awaited(cache: BlobCache, expected: ExpectedContent): Promise<string | undefined> {
    const filling = this.#filling.get(expected.digest);
    if (filling === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MILLISECONDS);
    await Promise.race([filling, promise]);
    clearTimeout(timer);
    return cache.find(expected);
  }
}

/** Somebody slow who fetches a blob holds up nobody else for longer. */
const PATIENCE_MILLISECONDS = 20_000;
const MAX_BUFFERED = 256 * 1024;
const BAD_MILLISECONDS = 30_000;
const MAX_BAD = 1000;

/**
 * Chunks with the last one held back until the source has ended, which it does without an error only if digest and length are right:
 * whoever reads never has a whole answer with wrong content.
 */
async function* heldBack(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let last: Uint8Array | undefined;
  for await (const chunk of content) {
    if (last !== undefined) yield last;
    last = chunk;
  }
  if (last !== undefined) yield last;
}

/** The same on its way into the cache, where it is before the last chunk is passed on. */
async function* intoCache(
  cache: BlobCache,
  content: AsyncIterable<Uint8Array>,
  expected: ExpectedContent,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = cache.writer(expected);
  const written = async function* () {
    for await (const chunk of content) {
      await writer.write(chunk);
      yield chunk;
    }
    await writer.finish();
  };
  try {
    yield* heldBack(written());
  } finally {
    await writer.abandon();
  }
}

/**
 * What is small is checked before a byte is sent, so that a refusal says why; what is large is on its way meanwhile, and can
 * only be cut off.
 */
async function answer(
  content: AsyncGenerator<Uint8Array>,
  { size }: ExpectedContent,
  headers: Record<string, string>,
  end: () => void = () => {},
): Promise<Response> {
  if (size > MAX_BUFFERED) return new Response(streamOf(content, end), { headers });
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return new Response(new Uint8Array(Buffer.concat(chunks)), { headers });
  } finally {
    end();
  }
}

function badKey({ domain, path }: ImageName, digest: Digest): string {
  return `${domain}/${path}@${digest}`;
}

function headersOf({ digest }: ExpectedContent, hasRanges: boolean): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    ...(hasRanges ? { 'accept-ranges': 'bytes' } : {}),
  };
}

function fileResponse(
  path: string,
  range: string | undefined,
  { size }: ExpectedContent,
  headers: Record<string, string>,
): Response {
  const part = range === undefined ? undefined : parseRange(range, size);
  if (part === 'unsatisfiable')
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${size}` } });
  if (part === undefined) return new Response(Bun.file(path), { headers });
  const { from, to } = part;
  const partial = { ...headers, 'content-range': `bytes ${from}-${to}/${size}` };
  return new Response(Bun.file(path).slice(from, to + 1), { status: 206, headers: partial });
}

function streamOf(content: AsyncGenerator<Uint8Array>, end: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await content.next();
          if (next.done !== true) return controller.enqueue(next.value);
          end();
          controller.close();
        } catch (error) {
          end();
          throw error;
        }
      },
      async cancel() {
        await content.return(undefined);
        end();
      },
    },
    { highWaterMark: 0 },
  );
}
