// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Gun, RoleName } from '../tuf/index.ts';
import { readIfThere, replaceFile } from './files.ts';

/** Files of a collection that were trusted before. Only what a stage accepted is ever stored (S19). */
export interface MetadataCache {
  load(gun: Gun, role: RoleName): Uint8Array | undefined;
  /** Replaces the role's file as a whole, durably. @throws TrustDirectoryError */
  store(gun: Gun, role: RoleName, file: Uint8Array): void;
  remove(gun: Gun): void;
}

/** Docker's and Notary's own layout: `<trust dir>/tuf/<GUN>/metadata/<role>.json`. Names are safe as parsed (S12, S13). */
export class DirectoryMetadataCache implements MetadataCache {
  readonly #trustDirectory: string;

  constructor(trustDirectory: string) {
    this.#trustDirectory = trustDirectory;
  }

  load(gun: Gun, role: RoleName): Uint8Array | undefined {
    return readIfThere(this.#path(gun, role));
  }

  store(gun: Gun, role: RoleName, file: Uint8Array): void {
    replaceFile(this.#path(gun, role), file);
  }

  remove(gun: Gun): void {
    rmSync(join(this.#trustDirectory, 'tuf', ...gun.split('/'), 'metadata'), { recursive: true, force: true });
  }

  #path(gun: Gun, role: RoleName): string {
    return join(this.#trustDirectory, 'tuf', ...gun.split('/'), 'metadata', ...`${role}.json`.split('/'));
  }
}

/** Holds nothing beyond its own life. */
export class MemoryMetadataCache implements MetadataCache {
  readonly #files = new Map<string, Uint8Array>();

  load(gun: Gun, role: RoleName): Uint8Array | undefined {
    return this.#files.get(`${gun}\n${role}`);
  }

  store(gun: Gun, role: RoleName, file: Uint8Array): void {
    this.#files.set(`${gun}\n${role}`, file);
  }

  remove(gun: Gun): void {
    for (const key of this.#files.keys()) if (key.startsWith(`${gun}\n`)) this.#files.delete(key);
  }
}
