// SPDX-License-Identifier: Apache-2.0
import { DownloadError, type Fetcher } from '../client/index.ts';
import { type Gun, isTopLevel, parseRoleName, parseVersion, type RoleName } from '../tuf/index.ts';
import type { ConsoleSource, SourceFile } from './source.ts';

type Files = Pick<ConsoleSource, 'current' | 'byVersion' | 'byHash'>;

const BY_VERSION = /^(\d{1,15})\.(root)\.json$/;
const BY_HASH = /^([a-z0-9_/-]+)\.([0-9a-f]{64})\.json$/;
const BY_ROLE = /^([a-z0-9_/-]+)\.json$/;

/**
 * A client's files straight from storage, as the API would give them, but that nothing is signed anew for whoever asks: a
 * page changes nothing.
 */
export class StorageFetcher implements Fetcher {
  readonly #files: Files;
  readonly #maxBytes: number;

  /** @param maxBytes of one file, whatever its pin says */
  constructor(files: Files, maxBytes = Number.POSITIVE_INFINITY) {
    this.#files = files;
    this.#maxBytes = maxBytes;
  }

  async fetch(gun: Gun, fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    const file = await this.#find(gun, fileName);
    if (file !== undefined && file.bytes.length > Math.min(maxLength, this.#maxBytes)) {
      throw new DownloadError('too-large', fileName, `${fileName} is larger than is due`);
    }
    return file?.bytes;
  }

  #find(gun: Gun, fileName: string): Promise<SourceFile | undefined> {
    const [, number, root] = BY_VERSION.exec(fileName) ?? [];
    if (root !== undefined) return this.#files.byVersion(gun, roleOf(root), parseVersion(Number(number)));
    const [, hashed, sha256] = BY_HASH.exec(fileName) ?? [];
    if (hashed !== undefined && sha256 !== undefined) return this.#files.byHash(gun, roleOf(hashed), sha256);
    return this.#files.current(gun, roleOf(BY_ROLE.exec(fileName)?.[1] ?? ''));
  }
}

function roleOf(name: string): RoleName {
  return isTopLevel(name) ? name : parseRoleName(name);
}
