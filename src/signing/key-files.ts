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
