// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex, type ExpectedContent, parseDigest } from '../registry/index.ts';

const BLOB = /^(?:sha256\/[0-9a-f]{2}\/[0-9a-f]{64}|sha512\/[0-9a-f]{2}\/[0-9a-f]{128})$/;
const UNFINISHED = /^[0-9a-f]{16}\.tmp$/;

/**
 * Blobs on disk by their digest, at most so many bytes: what was not used for longest goes first. Only content that was checked to
 * its last byte gets its name. Who may have a blob is not decided here. What cannot be written is not kept, and keeps nobody from
 * a blob (S38).
 */
export class BlobCache {
  readonly #directory: string;
  readonly #limit: number;
  readonly #notKept: (digest: Digest, error: unknown) => void;
  readonly #sizes = new Map<Digest, number>();
  #bytes = 0;

  private constructor(directory: string, limit: number, notKept: (digest: Digest, error: unknown) => void) {
    this.#directory = directory;
    this.#limit = limit;
    this.#notKept = notKept;
  }

  /**
   * Takes over what is there; downloads that a crash cut off are removed, and nothing else is touched.
   * @param notKept told of each blob that could not be written
   */
  static async open(
    directory: string,
    limit: number,
    notKept: (digest: Digest, error: unknown) => void = () => {},
  ): Promise<BlobCache> {
    const cache = new BlobCache(directory, limit, notKept);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const files: { digest: Digest; size: number; used: number }[] = [];
    for (const name of await readdir(directory, { recursive: true })) {
      const path = join(directory, name);
      if (UNFINISHED.test(name)) await rm(path, { force: true });
      if (!BLOB.test(name)) continue;
      const { size, mtimeMs } = await stat(path);
      const [algorithm, , hex] = name.split('/');
      files.push({ digest: parseDigest(`${algorithm}:${hex}`), size, used: mtimeMs });
    }
    for (const { digest, size } of files.sort((a, b) => a.used - b.used)) cache.#count(digest, size);
    await cache.#makeRoom();
    return cache;
  }

  /** Whether there can be room for so many bytes. */
  takes(size: number): boolean {
    return size <= this.#limit;
  }

  /** The file of a blob; undefined if it is not there, or has another length than it should. */
  async find({ digest, size }: ExpectedContent): Promise<string | undefined> {
    if (this.#sizes.get(digest) !== size) return undefined;
    const path = this.#path(digest);
    const found = await stat(path).catch(() => undefined);
    // it may have had to go meanwhile
    if (this.#sizes.get(digest) !== size) return undefined;
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
  writer(expected: ExpectedContent): BlobWriter {
    const temporary = join(this.#directory, `${randomBytes(8).toString('hex')}.tmp`);
    return new BlobWriter(temporary, expected, {
      place: async () => {
        const path = this.#path(expected.digest);
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(temporary, path);
        this.#count(expected.digest, expected.size);
        await this.#makeRoom();
      },
      failed: (error) => this.#notKept(expected.digest, error),
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

/** What a cache does with the file of a blob. */
interface Keeping {
  /** Gives the finished file its name. */
  place(): Promise<void>;
  failed(error: unknown): void;
}

/**
 * One download on its way into the cache. What is written to it was checked by whoever fetched it. No call of it ever rejects: once
 * something cannot be written, the rest is passed over and nothing is left of it.
 */
class BlobWriter {
  readonly #temporary: string;
  readonly #expected: ExpectedContent;
  readonly #keeping: Keeping;
  #file: File | undefined;
  #isOver = false;
  #size = 0;

  constructor(temporary: string, expected: ExpectedContent, keeping: Keeping) {
    this.#temporary = temporary;
    this.#expected = expected;
    this.#keeping = keeping;
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#try(async () => {
      const file = await this.#opened();
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
      this.#size += chunk.length;
    });
  }

  /** Gives the blob its name once it is whole and on disk. */
  finish(): Promise<void> {
    return this.#try(async () => {
      if (this.#size !== this.#expected.size) throw new Error('it was not written as a whole');
      const file = await this.#opened();
      await file.sync();
      await file.close();
      await this.#keeping.place();
      this.#isOver = true;
    });
  }

  /** Leaves nothing of what is not finished. */
  async abandon(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#file?.close().catch(() => undefined);
    await rm(this.#temporary, { force: true }).catch(() => undefined);
  }

  async #opened(): Promise<File> {
    this.#file ??= await open(this.#temporary, 'wx', 0o600);
    return this.#file;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    try {
      await work();
    } catch (error) {
      await this.abandon();
      this.#keeping.failed(error);
    }
  }
}
