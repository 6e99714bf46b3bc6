// SPDX-License-Identifier: Apache-2.0

import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import {
  DecodeError,
  decodeJson,
  decodeJsonObject,
  encodeUtf8,
  type JsonObject,
  type JsonValue,
} from '../../encoding/index.ts';
import {
  checkContent,
  checkedContent,
  type Digest,
  Digester,
  digestAlgorithm,
  digestHex,
  digestOf,
  isDigest,
} from '../digest.ts';
import { ImageFileError } from '../errors.ts';
import type { Descriptor } from '../manifest.ts';
import { MEDIA } from '../media-types.ts';
import { fileError, type ImageSource } from './image-files.ts';
import { readBounded } from './layout.ts';
import { decodeLayoutIndex, selectImage } from './layout-index.ts';
import { type SpooledFile, type SpoolLimits, TarSpool } from './tar-spool.ts';

export interface DockerArchiveOptions {
  /** `name:tag` as in the archive, or a digest; may be left out where there is one image. */
  readonly wanted?: string;
  readonly limits?: SpoolLimits;
  /** Where to unpack; the system's directory for temporary files. */
  readonly temporary?: string;
}

/**
 * Reads an archive of `docker save`. One that holds an OCI layout too (Docker 25 and later, and ours) yields the manifest
 * in it; an older one holds none, so a schema 2 manifest is made for it, with its layers packed as `docker push` packs them
 * and checked against the config's `diff_ids`.
 */
export class DockerArchiveSource implements ImageSource, AsyncDisposable {
  readonly #path: string;
  readonly #spool: TarSpool;
  readonly #root: Descriptor;
  /** Content by digest, where it is not under `blobs/`. */
  readonly #made = new Map<Digest, SpooledFile>();

  private constructor(path: string, spool: TarSpool, root: Descriptor, made: ReadonlyMap<Digest, SpooledFile>) {
    this.#path = path;
    this.#spool = spool;
    this.#root = root;
    this.#made = new Map(made);
  }

  /** Unpacks into a temporary directory, which `close` removes. @throws ImageFileError */
  static async open(path: string, options: DockerArchiveOptions = {}): Promise<DockerArchiveSource> {
    const spool = await TarSpool.open(path, options.limits, options.temporary);
    try {
      const index = spool.file('index.json');
      if (index !== undefined && spool.file('oci-layout') !== undefined) {
        const images = decodeLayoutIndex(path, await readBounded(index.path, path));
        return new DockerArchiveSource(path, spool, selectImage(path, images, options.wanted), new Map());
      }
      const { root, made } = await new LegacyArchive(path, spool).manifest(options.wanted);
      return new DockerArchiveSource(path, spool, root, made);
    } catch (error) {
      await spool.close();
      if (error instanceof DecodeError) throw new ImageFileError('malformed', path, error.message, error);
      throw fileError(path, error);
    }
  }

  async root(): Promise<Descriptor> {
    return this.#root;
  }

  async manifest(descriptor: Descriptor): Promise<Uint8Array> {
    const bytes = await readBounded(this.#file(descriptor).path, this.#path);
    checkContent(bytes, descriptor);
    return bytes;
  }

  blob(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    return checkedContent(this.#spool.read(this.#file(descriptor)), descriptor);
  }

  close(): Promise<void> {
    return this.#spool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #file({ digest }: Descriptor): SpooledFile {
    const name = `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
    const file = this.#made.get(digest) ?? this.#spool.file(name);
    if (file !== undefined) return file;
    throw new ImageFileError('not-found', this.#path, `content ${digest} is missing`);
  }
}

interface ArchivedImage {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

/** An archive of Docker 1.10 to 24: `manifest.json`, a config and a tar per layer. */
class LegacyArchive {
  readonly #path: string;
  readonly #spool: TarSpool;
  readonly #made = new Map<Digest, SpooledFile>();

  constructor(path: string, spool: TarSpool) {
    this.#path = path;
    this.#spool = spool;
  }

  async manifest(wanted: string | undefined): Promise<{ root: Descriptor; made: ReadonlyMap<Digest, SpooledFile> }> {
    const image = this.#select(await this.#images(), wanted);
    const configFile = this.#file(image.config);
    const diffIds = diffIdsOf(decodeJsonObject(await readBounded(configFile.path, this.#path)));
    if (diffIds.length !== image.layers.length) throw this.#malformed('config and layers do not fit together');
    const layers: object[] = [];
    for (const [at, name] of image.layers.entries()) {
      layers.push(this.#descriptor(MEDIA.dockerLayer, await this.#packedLayer(this.#file(name), diffIds[at])));
    }
    const config = this.#descriptor(MEDIA.dockerConfig, configFile);
    const bytes = encodeUtf8(
      JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.dockerManifest, config, layers }, null, 3),
    );
    const file = await this.#spool.add('', once(bytes));
    this.#made.set(file.digest, file);
    return { root: { mediaType: MEDIA.dockerManifest, digest: digestOf(bytes), size: bytes.length }, made: this.#made };
  }

  async #images(): Promise<readonly ArchivedImage[]> {
    const list = decodeJson(await readBounded(this.#file('manifest.json').path, this.#path));
    if (!Array.isArray(list)) throw this.#malformed('manifest.json is not a list');
    return list.map((value: JsonValue) => {
      if (!(value instanceof Map)) throw this.#malformed('manifest.json holds no object');
      const image: JsonObject = value;
      const config = image.get('Config');
      if (typeof config !== 'string') throw this.#malformed('manifest.json names no config');
      return { config, tags: this.#texts(image.get('RepoTags')), layers: this.#texts(image.get('Layers')) };
    });
  }

  #select(images: readonly ArchivedImage[], wanted: string | undefined): ArchivedImage {
    const found = wanted === undefined ? images : images.filter(({ tags }) => tags.includes(wanted));
    const [only] = found;
    if (only === undefined) {
      throw new ImageFileError(
        'not-found',
        this.#path,
        wanted === undefined ? 'holds no image' : `holds no image "${wanted}"`,
      );
    }
    if (found.length === 1) return only;
    const names = found.flatMap(({ tags }) => tags).slice(0, 5);
    throw new ImageFileError(
      'ambiguous',
      this.#path,
      `holds ${found.length} images, name one of them: ${names.join(', ')}`,
    );
  }

  /** The layer as gzip, and proof that it unpacks to what the config says. */
  async #packedLayer(file: SpooledFile, diffId: Digest | undefined): Promise<SpooledFile> {
    const isPacked = await startsWithGzip(file);
    const unpacked = isPacked ? await this.#digestUnpacked(file) : file.digest;
    if (unpacked !== diffId) throw this.#malformed(`layer ${unpacked} is not the config's ${diffId}`);
    const packed = isPacked ? file : await this.#spool.add('', gzipped(file));
    this.#made.set(packed.digest, packed);
    return packed;
  }

  async #digestUnpacked(file: SpooledFile): Promise<Digest> {
    const digester = new Digester();
    for await (const chunk of piped(file, createGunzip())) {
      digester.update(chunk);
      if (digester.size > this.#spool.limits.bytes) {
        throw new ImageFileError(
          'too-large',
          this.#path,
          `a layer of more than ${this.#spool.limits.bytes} bytes unpacked`,
        );
      }
    }
    return digester.finish().digest;
  }

  #descriptor(mediaType: string, file: SpooledFile): object {
    this.#made.set(file.digest, file);
    return { mediaType, size: file.size, digest: file.digest };
  }

  #file(name: string): SpooledFile {
    const file = this.#spool.file(name);
    if (file === undefined) throw this.#malformed(`no file "${name.slice(0, 100)}" in it`);
    return file;
  }

  #texts(value: JsonValue | undefined): readonly string[] {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
      throw this.#malformed('manifest.json holds no texts');
    return value as readonly string[];
  }

  #malformed(what: string): ImageFileError {
    return new ImageFileError('malformed', this.#path, what);
  }
}

function diffIdsOf(config: JsonObject): readonly Digest[] {
  const rootfs = config.get('rootfs');
  const list = rootfs instanceof Map ? (rootfs as JsonObject).get('diff_ids') : undefined;
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) throw new DecodeError('image config without diff_ids');
  return list.map((value: JsonValue) => {
    if (typeof value !== 'string' || !isDigest(value)) throw new DecodeError('image config with a bad diff_id');
    return value;
  });
}

async function startsWithGzip(file: SpooledFile): Promise<boolean> {
  for await (const chunk of createReadStream(file.path, { end: 1 })) {
    const bytes = chunk as Uint8Array;
    return bytes[0] === 0x1f && bytes[1] === 0x8b;
  }
  return false;
}

function gzipped(file: SpooledFile): AsyncIterable<Uint8Array> {
  return piped(file, createGzip());
}

function piped(file: SpooledFile, through: ReturnType<typeof createGzip>): AsyncIterable<Uint8Array> {
  // the error of either side ends the iteration
  return pipeline(createReadStream(file.path), through, () => undefined) as unknown as AsyncIterable<Uint8Array>;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
