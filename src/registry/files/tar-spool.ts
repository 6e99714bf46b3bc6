// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';
import { type Digest, Digester } from '../digest.ts';
import { ImageFileError } from '../errors.ts';
import { chunksOf, streamOf } from '../streams.ts';
import { fileError } from './image-files.ts';

/** A file of an archive, lying in the spool directory. */
export interface SpooledFile {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface SpoolLimits {
  readonly entries: number;
  /** Bytes of all files together, unpacked. */
  readonly bytes: number;
}

const DEFAULT_SPOOL_LIMITS: SpoolLimits = { entries: 20_000, bytes: 64 * 1024 * 1024 * 1024 };

/**
 * Unpacks a tar archive (gzip too) into a directory of its own, under numbers instead of the archive's names: whatever a
 * name says, it is no path here. Names that try to leave the archive are refused all the same (S13).
 */
export class TarSpool implements AsyncDisposable {
  readonly #archive: string;
  readonly #directory: string;
  readonly limits: SpoolLimits;
  readonly #files = new Map<string, SpooledFile>();
  readonly #links = new Map<string, string>();
  #bytes = 0;
  #entries = 0;

  private constructor(archive: string, directory: string, limits: SpoolLimits) {
    this.#archive = archive;
    this.#directory = directory;
    this.limits = limits;
  }

  /** @throws ImageFileError */
  static async open(
    archive: string,
    limits: SpoolLimits = DEFAULT_SPOOL_LIMITS,
    temporary = tmpdir(),
  ): Promise<TarSpool> {
    let spool: TarSpool | undefined;
    try {
      const content = await unpacked(archive);
      spool = new TarSpool(archive, await mkdtemp(join(temporary, 'hallmark-')), limits);
      await spool.#read(content);
      return spool;
    } catch (error) {
      await spool?.close();
      throw spool === undefined ? fileError(archive, error) : spool.#typed(error);
    }
  }

  /** The file of a name, through at most a few links. */
  file(name: string): SpooledFile | undefined {
    let at: string | undefined = normalName(name);
    for (let hops = 0; at !== undefined && hops < 5; hops++) {
      const found = this.#files.get(at);
      if (found !== undefined) return found;
      at = this.#links.get(at);
    }
    return undefined;
  }

  read(file: SpooledFile): AsyncIterable<Uint8Array> {
    return createReadStream(file.path);
  }

  /** Adds a file that was derived from the archive's. */
  async add(name: string, content: AsyncIterable<Uint8Array>): Promise<SpooledFile> {
    const path = join(this.#directory, String(this.#entries++));
    const digester = new Digester();
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of content) {
        this.#bytes += chunk.length;
        if (this.#bytes > this.limits.bytes)
          throw this.#error('too-large', `more than ${this.limits.bytes} bytes unpacked`);
        digester.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    const spooled = { path, ...digester.finish() };
    this.#files.set(name, spooled);
    return spooled;
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(content: AsyncIterable<Uint8Array>): Promise<void> {
    const entries = streamOf(content).pipeThrough(createTarDecoder({ strict: true }));
    const reader = entries.getReader();
    for (;;) {
      const next = await reader.read();
      if (next.done) return;
      if (this.#entries + this.#links.size > this.limits.entries) {
        throw this.#error('too-large', `more than ${this.limits.entries} entries`);
      }
      await this.#entry(next.value);
    }
  }

  async #entry({ header, body }: ParsedTarEntry): Promise<void> {
    const name = this.#safeName(header.name);
    const { type = 'file', linkname = '' } = header;
    if (type === 'file') await this.add(name, chunksOf(body));
    else await body.cancel();
    if (type === 'symlink') this.#links.set(name, this.#safeName(posix.join(posix.dirname(name), linkname), linkname));
    if (type === 'link') this.#links.set(name, this.#safeName(linkname));
  }

  #safeName(name: string, spelled = name): string {
    const normal = normalName(name);
    const isSafe = !spelled.startsWith('/') && !/[\\\0]/.test(spelled) && !normal.split('/').includes('..');
    if (isSafe) return normal;
    throw this.#error(
      'unsafe-path',
      `entry "${JSON.stringify(spelled.slice(0, 80)).slice(1, -1)}" leads out of the archive`,
    );
  }

  #error(code: ImageFileError['code'], message: string): ImageFileError {
    return new ImageFileError(code, this.#archive, message);
  }

  #typed(error: unknown): unknown {
    const typed = fileError(this.#archive, error);
    if (typed instanceof ImageFileError) return typed;
    return new ImageFileError('malformed', this.#archive, 'no readable tar archive', error);
  }
}

function normalName(name: string): string {
  return posix.normalize(name).replace(/^\.\//, '').replace(/\/$/, '');
}

async function unpacked(archive: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(archive, 'r');
  const start = new Uint8Array(2);
  await file.read(start, 0, 2, 0).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  await file.close();
  const bytes = createReadStream(archive);
  // a fault may come before anybody reads: whoever reads then is told, and until then nobody has to listen
  bytes.on('error', () => undefined);
  if (start[0] !== 0x1f || start[1] !== 0x8b) return bytes;
  const gunzip = createGunzip();
  gunzip.on('error', () => undefined);
  bytes.on('error', (error) => gunzip.destroy(error));
  return Readable.from(bytes.pipe(gunzip), { objectMode: true });
}
