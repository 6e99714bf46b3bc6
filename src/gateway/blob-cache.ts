// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex, type ExpectedContent, parseDigest } from '../registry/index.ts';

/**
 * Blobs on disk by their digest, at most so many bytes: what was not used for longest goes first. Only content that was checked to
 * its last byte gets its name. Who may have a blob is not decided here.
 */
export class BlobCache {
  readonly #directory: string;
  readonly #limit: number;
  readonly #sizes = new Map<Digest, number>();
  #bytes = 0;

  private constructor(directory: string, limit: number) {
    this.#directory = directory;
    this.#limit = limit;
  }

  /** Takes over what is there; downloads that a crash cut off are removed. */
  static async open(directory: string, limit: number): Promise<BlobCache> {
    const cache = new BlobCache(directory, limit);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const files: { digest: Digest; size: number; used: number }[] = [];
    for (const name of await readdir(directory, { recursive: true })) {
      const path = join(directory, name);
      const found = await stat(path);
      if (!found.isFile()) continue;
      const [, algorithm, hex] = /^(sha256|sha512)\/[0-9a-f]{2}\/([0-9a-f]+)$/.exec(name) ?? [];
      if (algorithm === undefined || hex === undefined) await rm(path, { force: true });
      else files.push({ digest: parseDigest(`${algorithm}:${hex}`), size: found.size, used: found.mtimeMs });
    }
    for (const { digest, size } of files.sort((a, b) => a.used - b.used)) cache.#count(digest, size);
    await cache.#makeRoom();
    return cache;
  }

  /** The file of a blob; undefined if it is not there. */
  async find(digest: Digest): Promise<string | undefined> {
    const size = this.#sizes.get(digest);
    if (size === undefined) return undefined;
    const path = this.#path(digest);
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== size) {
      this.#forget(digest);
      return undefined;
    }
    this.#sizes.delete(digest);
    this.#sizes.set(digest, size);
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return path;
  }

  /** Begins to take in a blob. */
  async writer(expected: ExpectedContent): Promise<BlobWriter> {
    const temporary = join(this.#directory, `${randomBytes(8).toString('hex')}.tmp`);
    const file = await open(temporary, 'wx', 0o600);
    return new BlobWriter(file, temporary, expected, async () => {
      const path = this.#path(expected.digest);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(temporary, path);
      this.#count(expected.digest, expected.size);
      await this.#makeRoom();
    });
  }

  #path(digest: Digest): string {
    const hex = digestHex(digest);
    return join(this.#directory, digestAlgorithm(digest), hex.slice(0, 2), hex);
  }

  #count(digest: Digest, size: number): void {
    this.#forget(digest);
    this.#sizes.set(digest, size);
    this.#bytes += size;
  }

  #forget(digest: Digest): void {
    this.#bytes -= this.#sizes.get(digest) ?? 0;
    this.#sizes.delete(digest);
  }

  /** A file that is being served stays readable after its name is gone. */
  async #makeRoom(): Promise<void> {
    for (const digest of this.#sizes.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#forget(digest);
      await rm(this.#path(digest), { force: true });
    }
  }
}

type File = Awaited<ReturnType<typeof open>>;

/** One download on its way into the cache. What is written to it was checked by whoever fetched it. */
class BlobWriter {
  readonly #file: File;
  readonly #temporary: string;
  readonly #expected: ExpectedContent;
  readonly #place: () => Promise<void>;
  #size = 0;

  constructor(file: File, temporary: string, expected: ExpectedContent, place: () => Promise<void>) {
    this.#file = file;
    this.#temporary = temporary;
    this.#expected = expected;
    this.#place = place;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) at += (await this.#file.write(chunk, at)).bytesWritten;
    this.#size += chunk.length;
  }

  /** Gives the blob its name once it is whole and on disk. */
  async finish(): Promise<void> {
    if (this.#size !== this.#expected.size) throw new Error(`${this.#expected.digest} was not written as a whole`);
    await this.#file.sync();
    await this.#file.close();
    await this.#place();
  }

  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }
}
