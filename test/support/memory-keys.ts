// SPDX-License-Identifier: Apache-2.0
import type { PrivateKeyStore } from '../../src/signing/index.ts';
import type { KeyFiles, StoredKeyFile } from '../../src/signing/key-files.ts';
import { FileKeyStore } from '../../src/signing/key-store.ts';
import type { KeyId } from '../../src/tuf/index.ts';

/** A key store without a directory: encrypted like files, and gone with the process. */
export function memoryKeyStore(): PrivateKeyStore {
  return new FileKeyStore(new MemoryKeyFiles());
}

export class MemoryKeyFiles implements KeyFiles {
  readonly #files = new Map<KeyId, Uint8Array>();

  async list() {
    return { files: [...this.#files.keys()].map((keyId) => this.#stored(keyId)), problems: [] };
  }

  async read(keyId: KeyId): Promise<StoredKeyFile | undefined> {
    return this.#files.has(keyId) ? this.#stored(keyId) : undefined;
  }

  async write(keyId: KeyId, bytes: Uint8Array): Promise<void> {
    this.#files.set(keyId, Uint8Array.from(bytes));
  }

  async remove(keyId: KeyId): Promise<void> {
    this.#files.delete(keyId);
  }

  #stored(keyId: KeyId): StoredKeyFile {
    return { keyId, path: `memory/${keyId}.key`, bytes: this.#files.get(keyId) ?? new Uint8Array() };
  }
}
