// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '../digest.ts';

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** Positions of the first and the last byte wanted. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What the registry keeps. Names of repositories and tags, digests and upload ids were checked before they come here.
 * Blobs and manifests belong to a repository: knowing a digest is no way into another one. `finishUpload`, `putManifest`
 * and `linkBlob` are atomic and durable once they resolve. Calls may overlap, except those for one upload.
 */
export interface RegistryStorage {
  /** Bytes of a blob, or `undefined` where the repository has no such blob. */
  blobSize(repository: string, digest: Digest): Promise<number | undefined>;
  readBlob(repository: string, digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Gives `to` a blob of `from`; false where `from` has none. */
  linkBlob(from: string, to: string, digest: Digest): Promise<boolean>;
  unlinkBlob(repository: string, digest: Digest): Promise<boolean>;

  beginUpload(repository: string): Promise<string>;
  uploadSize(repository: string, id: string): Promise<number | undefined>;
  /** Resolves to the upload's new size. When `content` throws, the upload is as it was. */
  appendUpload(repository: string, id: string, content: AsyncIterable<Uint8Array>): Promise<number>;
  /** Makes an upload a blob, or drops it and answers false where its content has another digest. */
  finishUpload(repository: string, id: string, digest: Digest): Promise<boolean>;
  cancelUpload(repository: string, id: string): Promise<boolean>;

  manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined>;
  manifests(repository: string): Promise<readonly Digest[]>;
  putManifest(repository: string, digest: Digest, manifest: StoredManifest, tag?: string): Promise<void>;
  /** Removes a manifest and every tag that names it. */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>;

  tag(repository: string, tag: string): Promise<Digest | undefined>;
  deleteTag(repository: string, tag: string): Promise<boolean>;
  /** `undefined` for a repository that nothing was ever pushed to. */
  tags(repository: string): Promise<readonly string[] | undefined>;
}
