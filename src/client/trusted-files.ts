// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { encodeName, type RoleName } from '../tuf/index.ts';
import { withFileLock } from './file-lock.ts';
import { readIfThere, replaceFile } from './files.ts';

/** The files of one repository that are trusted, byte for byte as they came. All that a TUF client remembers. */
export interface TrustedFiles {
  load(role: RoleName): Uint8Array | undefined;
  /** Replaces the role's file as a whole, durably. @throws TrustDirectoryError */
  store(role: RoleName, file: Uint8Array): void;
  /** Runs `work` while no other process runs its own: reading, deciding and storing are one step then. */
  exclusively<T>(work: () => T): T;
}

/** `<directory>/<role>.json`, the role percent-encoded: no name leads out of the directory (S13). */
export class DirectoryTrustedFiles implements TrustedFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  load(role: RoleName): Uint8Array | undefined {
    return readIfThere(this.#path(role));
  }

  store(role: RoleName, file: Uint8Array): void {
    replaceFile(this.#path(role), file);
  }

  exclusively<T>(work: () => T): T {
    return withFileLock(join(this.#directory, 'metadata'), work);
  }

  #path(role: RoleName): string {
    return join(this.#directory, `${encodeName(role)}.json`);
  }
}
