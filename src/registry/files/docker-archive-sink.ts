// SPDX-License-Identifier: Apache-2.0
import { createTarPacker, type TarPackController } from 'modern-tar';
import { encodeUtf8 } from '../../encoding/index.ts';
import { type Digest, digestAlgorithm, digestHex } from '../digest.ts';
import { writeDurably } from '../durable.ts';
import { ImageFileError } from '../errors.ts';
import { type Descriptor, decodeManifest, type ImageManifest } from '../manifest.ts';
import { familiarName, type ImageReference } from '../reference.ts';
import { chunksOf } from '../streams.ts';
import { fileError, type ImageSink } from './image-files.ts';
import { encodeLayoutIndex, LAYOUT_MARKER, namedDescriptor } from './layout-index.ts';

/** The same image makes the same archive. */
const EPOCH = new Date(0);

interface Writing {
  readonly controller: TarPackController;
  readonly done: Promise<void>;
}

/**
 * Writes what `docker load` reads, in the form that `docker save` writes since version 25: an OCI layout with `manifest.json`
 * beside it. Older engines go by the latter, and the former keeps the manifest, so that the digest survives the way
 * through the file. One image per archive; the file appears when it is whole.
 */
export class DockerArchiveSink implements ImageSink {
  readonly parallel = 1;
  readonly isSingleImage = true;
  readonly #path: string;
  readonly #written = new Set<Digest>();
  #writing: Writing | undefined;
  #manifest: ImageManifest | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async has({ digest }: Descriptor): Promise<boolean> {
    return this.#written.has(digest);
  }

  putBlob(descriptor: Descriptor, content: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#add(blobName(descriptor.digest), descriptor.size, content).then(() => {
      this.#written.add(descriptor.digest);
    });
  }

  async putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    const manifest = decodeManifest(bytes, descriptor.mediaType);
    if (manifest.kind !== 'image')
      throw new ImageFileError('malformed', this.#path, 'holds images of one platform only');
    this.#manifest = manifest;
    await this.#addBytes(blobName(descriptor.digest), bytes);
  }

  async finish(root: Descriptor, reference: ImageReference): Promise<void> {
    const manifest = this.#manifest;
    if (manifest === undefined) throw new ImageFileError('malformed', this.#path, 'image without a manifest');
    const name = reference.tag === undefined ? undefined : `${familiarName(reference)}:${reference.tag}`;
    const entry = {
      Config: blobName(manifest.config.digest),
      RepoTags: name === undefined ? null : [name],
      Layers: manifest.layers.map(({ digest }) => blobName(digest)),
    };
    await this.#addBytes('index.json', encodeLayoutIndex([namedDescriptor(root, reference)]));
    await this.#addBytes('manifest.json', encodeUtf8(JSON.stringify([entry])));
    await this.#addBytes('oci-layout', LAYOUT_MARKER);
    const { controller, done } = this.#start();
    controller.finalize();
    await done.catch((error) => {
      throw fileError(this.#path, error);
    });
  }

  async abort(reason: unknown): Promise<void> {
    if (this.#writing === undefined) return;
    this.#writing.controller.error(reason);
    await this.#writing.done.catch(() => undefined);
  }

  #addBytes(name: string, bytes: Uint8Array): Promise<void> {
    return this.#add(name, bytes.length, [bytes]);
  }

  async #add(name: string, size: number, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const { controller, done } = this.#start();
    const writer = controller.add({ name, size, type: 'file', mode: 0o644, mtime: EPOCH }).getWriter();
    const copy = async (): Promise<void> => {
      for await (const chunk of content) await writer.write(chunk);
      await writer.close();
    };
    try {
      // a disk that is full ends the archive, and must end the download as well
      await Promise.race([copy(), done]);
    } catch (error) {
      controller.error(error);
      throw fileError(this.#path, error);
    }
  }

  #start(): Writing {
    if (this.#writing === undefined) {
      const { readable, controller } = createTarPacker();
      const done = writeDurably(this.#path, chunksOf(readable));
      done.catch(() => undefined); // whoever waits for it is told
      this.#writing = { controller, done };
    }
    return this.#writing;
  }
}

function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}
