// SPDX-License-Identifier: Apache-2.0
import { systemCode } from '../durable.ts';
import { ImageFileError, RegistryError } from '../errors.ts';
import type { Descriptor } from '../manifest.ts';
import type { ImageReference } from '../reference.ts';

/** Where an image can be read from, piece by piece. What it yields is checked by whoever reads. */
export interface ImageSource {
  /** The manifest or index that is the image. */
  root(): Promise<Descriptor>;
  /** Bytes of a manifest, checked against its descriptor. */
  manifest(descriptor: Descriptor): Promise<Uint8Array>;
  blob(descriptor: Descriptor): AsyncIterable<Uint8Array>;
}

/** Where an image can be written to. Before `finish` resolves nothing of it is visible under its name. */
export interface ImageSink {
  /** Blobs that may be written at once. */
  readonly parallel: number;
  /** Whether only one platform's image fits in. */
  readonly isSingleImage: boolean;
  has(descriptor: Descriptor): Promise<boolean>;
  /** Stores checked content: when `content` throws, nothing is stored and the error comes through. */
  putBlob(descriptor: Descriptor, content: AsyncIterable<Uint8Array>): Promise<void>;
  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
  finish(root: Descriptor, reference: ImageReference): Promise<void>;
  /** Gives up; files are as they were before. */
  abort(reason: unknown): Promise<void>;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file or directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EROFS', 'read-only file system'],
  ['ENOSPC', 'no space left on device'],
  ['EDQUOT', 'disk quota exceeded'],
  ['ENOTDIR', 'not a directory'],
  ['EEXIST', 'not a directory'], // from mkdir: a file stands where a directory is needed
  ['EISDIR', 'is a directory'],
  ['EMFILE', 'too many open files'],
  ['EFBIG', 'file too large'],
]);

/** Runs file work, and turns the system's errors into one-line typed ones. @throws ImageFileError */
export async function onFiles<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(path, error);
  }
}

export function fileError(path: string, error: unknown): unknown {
  if (error instanceof ImageFileError || error instanceof RegistryError) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  return new ImageFileError(code === 'ENOENT' ? 'not-found' : 'io', path, REASONS.get(code) ?? code, error);
}
