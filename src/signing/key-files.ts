// SPDX-License-Identifier: Apache-2.0
import type { Gun, KeyId } from '../tuf/index.ts';
import type { KeyStoreError } from './errors.ts';

/** The bytes of one key file, and what its place says about the key beside its own headers. */
export interface StoredKeyFile {
  readonly keyId: KeyId;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly role?: string | undefined;
  readonly gun?: Gun | undefined;
}

/** Where key files lie. Writes are atomic and durable; every failure is a KeyStoreError. */
export interface KeyFiles {
  list(): Promise<{ readonly files: readonly StoredKeyFile[]; readonly problems: readonly KeyStoreError[] }>;
  read(keyId: KeyId): Promise<StoredKeyFile | undefined>;
  write(keyId: KeyId, bytes: Uint8Array, others?: 'keep' | 'remove'): Promise<void>;
  remove(keyId: KeyId): Promise<void>;
}

/** Key files in memory, gone with the process: for tests and throw-away keys. */
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
