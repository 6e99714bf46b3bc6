// SPDX-License-Identifier: Apache-2.0
import { createReadStream, existsSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkContent, checkedContent, type Digest, digestAlgorithm, digestHex } from '../digest.ts';
import { syncDirectory, systemCode, writeDurably } from '../durable.ts';
import { ImageFileError } from '../errors.ts';
import { type Descriptor, MAX_MANIFEST_BYTES } from '../manifest.ts';
import type { ImageReference } from '../reference.ts';
import { fileError, type ImageSink, type ImageSource, onFiles } from './image-files.ts';
import {
  decodeLayoutIndex,
  encodeLayoutIndex,
  LAYOUT_MARKER,
  namedDescriptor,
  selectImage,
  withImage,
} from './layout-index.ts';

/**
 * Writes an OCI image layout (image-spec, image-layout.md) or adds to the one that is there. Blobs come by atomic rename, and
 * `index.json`, which alone makes an image visible, comes last.
 */
export class OciLayoutSink implements ImageSink {
  readonly parallel = 3;
  readonly isSingleImage = false;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async has({ digest, size }: Descriptor): Promise<boolean> {
    const path = blobPath(this.#directory, digest);
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== size) return false;
    // a blob left by somebody else is taken only for what it is, not for its name
    try {
      for await (const _ of checkedContent(createReadStream(path), { digest, size }));
      return true;
    } catch {
      return false;
    }
  }

  putBlob(descriptor: Descriptor, content: AsyncIterable<Uint8Array>): Promise<void> {
    const checked = checkedContent(content, descriptor);
    return onFiles(this.#directory, () => writeDurably(blobPath(this.#directory, descriptor.digest), checked));
  }

  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    checkContent(bytes, descriptor);
    return onFiles(this.#directory, () => writeDurably(blobPath(this.#directory, descriptor.digest), bytes));
  }

  finish(root: Descriptor, reference: ImageReference): Promise<void> {
    return onFiles(this.#directory, async () => {
      const path = join(this.#directory, 'index.json');
      const before = await readIfThere(path);
      const images = before === undefined ? [] : decodeLayoutIndex(this.#directory, before).manifests;
      await writeDurably(join(this.#directory, 'oci-layout'), LAYOUT_MARKER);
      await writeDurably(path, encodeLayoutIndex(withImage(images, namedDescriptor(root, reference))));
      await syncDirectory(this.#directory);
    });
  }

  /** Blobs that came whole may stay: without an entry in `index.json` they are no image. */
  async abort(): Promise<void> {}
}

/** Reads one image of an OCI image layout. */
export class OciLayoutSource implements ImageSource {
  readonly #directory: string;
  readonly #wanted: string | undefined;

  /** `wanted` is a tag, a whole reference or a digest; it may be left out where the layout holds one image. */
  constructor(directory: string, wanted?: string) {
    this.#directory = directory;
    this.#wanted = wanted;
  }

  root(): Promise<Descriptor> {
    return onFiles(this.#directory, async () => {
      const bytes = await readBounded(join(this.#directory, 'index.json'), this.#directory).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOENT' || !existsSync(this.#directory)) throw error;
        throw new ImageFileError('not-found', this.#directory, 'no OCI image layout: it has no index.json', error);
      });
      return selectImage(this.#directory, decodeLayoutIndex(this.#directory, bytes), this.#wanted);
    });
  }

  manifest(descriptor: Descriptor): Promise<Uint8Array> {
    return onFiles(this.#directory, async () => {
      const bytes = await readBounded(blobPath(this.#directory, descriptor.digest), this.#directory);
      checkContent(bytes, descriptor);
      return bytes;
    });
  }

  async *blob({ digest, size }: Descriptor): AsyncGenerator<Uint8Array> {
    try {
      yield* checkedContent(createReadStream(blobPath(this.#directory, digest)), { digest, size });
    } catch (error) {
      throw fileError(this.#directory, error);
    }
  }
}

function blobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', digestAlgorithm(digest), digestHex(digest));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readBounded(path, path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A small file, as a whole; anything longer than a manifest may be is refused before it is read (S23). */
export async function readBounded(path: string, named: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > MAX_MANIFEST_BYTES)
      throw new ImageFileError('too-large', named, `${size} bytes where a manifest should be`);
    return new Uint8Array(await readFile(file));
  } finally {
    await file.close();
  }
}
