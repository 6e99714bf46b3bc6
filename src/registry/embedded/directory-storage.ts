// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeUtf8 } from '../../encoding/index.ts';
import { type Digest, Digester, digestAlgorithm, digestHex, digestOf, isDigest } from '../digest.ts';
import { syncDirectory, systemCode, writeDurably } from '../durable.ts';
import type { ByteRange, RegistryStorage, StoredManifest } from './storage.ts';

/**
 * A directory: content once under `blobs/`, and per repository empty or one-line files that say what belongs to it. No
 * component of a repository name begins with `_`, so these never collide with a repository below. Deleting takes a name
 * away; content that nothing names any more stays on the disk.
 */
export class DirectoryRegistryStorage implements RegistryStorage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    if ((await sizeOf(this.#blobLink(repository, digest))) === undefined) return undefined;
    return sizeOf(this.#content(digest));
  }

  readBlob(_repository: string, digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array> {
    return createReadStream(this.#content(digest), range === undefined ? {} : { start: range.start, end: range.end });
  }

  async linkBlob(from: string, to: string, digest: Digest): Promise<boolean> {
    if ((await this.blobSize(from, digest)) === undefined) return false;
    await writeDurably(this.#blobLink(to, digest), new Uint8Array());
    return true;
  }

  unlinkBlob(repository: string, digest: Digest): Promise<boolean> {
    return removed(this.#blobLink(repository, digest));
  }

  async beginUpload(repository: string): Promise<string> {
    const id = randomUUID();
    const path = this.#upload(repository, id);
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'wx')).close();
    return id;
  }

  uploadSize(repository: string, id: string): Promise<number | undefined> {
    return sizeOf(this.#upload(repository, id));
  }

  async appendUpload(repository: string, id: string, content: AsyncIterable<Uint8Array>): Promise<number> {
    const path = this.#upload(repository, id);
    const before = (await sizeOf(path)) ?? 0;
    const file = await open(path, 'a');
    try {
      for await (const chunk of content) await file.appendFile(chunk);
      return (await file.stat()).size;
    } catch (error) {
      await truncate(path, before);
      throw error;
    } finally {
      await file.close();
    }
  }

  async finishUpload(repository: string, id: string, digest: Digest): Promise<boolean> {
    const path = this.#upload(repository, id);
    const digester = new Digester(digestAlgorithm(digest));
    for await (const chunk of createReadStream(path)) digester.update(chunk as Uint8Array);
    if (digester.finish().digest !== digest) {
      await rm(path, { force: true });
      return false;
    }
    const file = await open(path, 'r+');
    await file.sync().finally(() => file.close());
    const target = this.#content(digest);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await syncDirectory(dirname(target));
    await writeDurably(this.#blobLink(repository, digest), new Uint8Array());
    return true;
  }

  cancelUpload(repository: string, id: string): Promise<boolean> {
    return removed(this.#upload(repository, id));
  }

  async manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    const mediaType = await textOf(this.#manifestLink(repository, digest));
    if (mediaType === undefined) return undefined;
    const bytes = await bytesOf(this.#content(digest));
    // a disk that lost or changed bytes must not pass them on under their old name
    if (bytes === undefined || digestOf(bytes, digestAlgorithm(digest)) !== digest) return undefined;
    return { mediaType, bytes };
  }

  async manifests(repository: string): Promise<readonly Digest[]> {
    const found: Digest[] = [];
    for (const algorithm of ['sha256', 'sha512']) {
      const names = await namesIn(join(this.#repository(repository), '_manifests', algorithm));
      found.push(...(names ?? []).map((hex) => `${algorithm}:${hex}`).filter(isDigest));
    }
    return found.sort();
  }

  async putManifest(repository: string, digest: Digest, manifest: StoredManifest, tag?: string): Promise<void> {
    await writeDurably(this.#content(digest), manifest.bytes);
    await writeDurably(this.#manifestLink(repository, digest), encodeUtf8(manifest.mediaType));
    if (tag !== undefined) await writeDurably(this.#tag(repository, tag), encodeUtf8(digest));
  }

  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    if ((await sizeOf(this.#manifestLink(repository, digest))) === undefined) return false;
    for (const tag of (await this.tags(repository)) ?? []) {
      if ((await this.tag(repository, tag)) === digest) await this.deleteTag(repository, tag);
    }
    return removed(this.#manifestLink(repository, digest));
  }

  async tag(repository: string, tag: string): Promise<Digest | undefined> {
    const text = await textOf(this.#tag(repository, tag));
    return text !== undefined && isDigest(text) ? text : undefined;
  }

  deleteTag(repository: string, tag: string): Promise<boolean> {
    return removed(this.#tag(repository, tag));
  }

  async tags(repository: string): Promise<readonly string[] | undefined> {
    const tags = await namesIn(join(this.#repository(repository), '_tags'));
    if (tags !== undefined) return tags.filter((name) => !name.startsWith('.'));
    return (await sizeOf(this.#repository(repository))) === undefined ? undefined : [];
  }

  #content(digest: Digest): string {
    const hex = digestHex(digest);
    return join(this.#root, 'blobs', digestAlgorithm(digest), hex.slice(0, 2), hex);
  }

  #repository(repository: string): string {
    return join(this.#root, 'repositories', ...repository.split('/'));
  }

  #blobLink(repository: string, digest: Digest): string {
    return join(this.#repository(repository), '_blobs', digestAlgorithm(digest), digestHex(digest));
  }

  #manifestLink(repository: string, digest: Digest): string {
    return join(this.#repository(repository), '_manifests', digestAlgorithm(digest), digestHex(digest));
  }

  #tag(repository: string, tag: string): string {
    return join(this.#repository(repository), '_tags', tag);
  }

  #upload(repository: string, id: string): string {
    return join(this.#repository(repository), '_uploads', id);
  }
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await orAbsent(stat(path)))?.size;
}

function namesIn(path: string): Promise<string[] | undefined> {
  return orAbsent(readdir(path));
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  const bytes = await orAbsent(readFile(path));
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

function textOf(path: string): Promise<string | undefined> {
  return orAbsent(readFile(path, 'utf8'));
}

async function removed(path: string): Promise<boolean> {
  const isGone = (await orAbsent(rm(path).then(() => true))) ?? false;
  if (isGone) await syncDirectory(dirname(path));
  return isGone;
}
