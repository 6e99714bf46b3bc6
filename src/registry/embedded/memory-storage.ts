// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { type Digest, digestAlgorithm, digestOf } from '../digest.ts';
import type { ByteRange, RegistryStorage, StoredManifest } from './storage.ts';

interface Repository {
  readonly blobs: Set<Digest>;
  readonly uploads: Map<string, Uint8Array>;
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<string, Digest>;
}

/** Everything in memory and gone with the process: for tests and the demonstration. */
export class MemoryRegistryStorage implements RegistryStorage {
  readonly #blobs = new Map<Digest, Uint8Array>();
  readonly #repositories = new Map<string, Repository>();

  async blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    return this.#find(repository)?.blobs.has(digest) === true ? this.#blobs.get(digest)?.length : undefined;
  }

  async *readBlob(_repository: string, digest: Digest, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const bytes = this.#blobs.get(digest);
    if (bytes !== undefined) yield range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
  }

  async linkBlob(from: string, to: string, digest: Digest): Promise<boolean> {
    if (this.#find(from)?.blobs.has(digest) !== true) return false;
    this.#make(to).blobs.add(digest);
    return true;
  }

  async unlinkBlob(repository: string, digest: Digest): Promise<boolean> {
    return this.#find(repository)?.blobs.delete(digest) ?? false;
  }

  async beginUpload(repository: string): Promise<string> {
    const id = randomUUID();
    this.#make(repository).uploads.set(id, new Uint8Array());
    return id;
  }

  async uploadSize(repository: string, id: string): Promise<number | undefined> {
    return this.#find(repository)?.uploads.get(id)?.length;
  }

  async appendUpload(repository: string, id: string, content: AsyncIterable<Uint8Array>): Promise<number> {
    const uploads = this.#make(repository).uploads;
    const chunks = [uploads.get(id) ?? new Uint8Array()];
    for await (const chunk of content) chunks.push(chunk.slice());
    const bytes = new Uint8Array(Buffer.concat(chunks));
    uploads.set(id, bytes);
    return bytes.length;
  }

  async finishUpload(repository: string, id: string, digest: Digest): Promise<boolean> {
    const { uploads, blobs } = this.#make(repository);
    const bytes = uploads.get(id) ?? new Uint8Array();
    uploads.delete(id);
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) return false;
    this.#blobs.set(digest, bytes);
    blobs.add(digest);
    return true;
  }

  async cancelUpload(repository: string, id: string): Promise<boolean> {
    return this.#find(repository)?.uploads.delete(id) ?? false;
  }

  async manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    return this.#find(repository)?.manifests.get(digest);
  }

  async manifests(repository: string): Promise<readonly Digest[]> {
    return [...(this.#find(repository)?.manifests.keys() ?? [])].sort();
  }

  async putManifest(repository: string, digest: Digest, manifest: StoredManifest, tag?: string): Promise<void> {
    const { manifests, tags } = this.#make(repository);
    manifests.set(digest, manifest);
    if (tag !== undefined) tags.set(tag, digest);
  }

  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    const found = this.#find(repository);
    if (found?.manifests.delete(digest) !== true) return false;
    for (const [tag, named] of found.tags) if (named === digest) found.tags.delete(tag);
    return true;
  }

  async tag(repository: string, tag: string): Promise<Digest | undefined> {
    return this.#find(repository)?.tags.get(tag);
  }

  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return this.#find(repository)?.tags.delete(tag) ?? false;
  }

  async tags(repository: string): Promise<readonly string[] | undefined> {
    const found = this.#find(repository);
    return found === undefined ? undefined : [...found.tags.keys()];
  }

  #find(repository: string): Repository | undefined {
    return this.#repositories.get(repository);
  }

  #make(repository: string): Repository {
    const found = this.#find(repository) ?? {
      blobs: new Set(),
      uploads: new Map(),
      manifests: new Map(),
      tags: new Map(),
    };
    this.#repositories.set(repository, found);
    return found;
  }
}
