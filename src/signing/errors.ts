// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../tuf/index.ts';

/**
 * Why bytes cannot be used as a private key. `wrong-passphrase` also stands for damage of the encrypted part: CBC
 * without a tag cannot tell the two apart.
 */
export type PrivateKeyErrorCode = 'malformed' | 'unsupported' | 'weak-key' | 'wrong-passphrase' | 'passphrase-needed';

export class PrivateKeyError extends Error {
  override readonly name = 'PrivateKeyError';
  readonly code: PrivateKeyErrorCode;

  constructor(code: PrivateKeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type KeyStoreErrorCode =
  | PrivateKeyErrorCode
  /** Nobody could give a passphrase. */
  | 'no-passphrase'
  | 'not-found'
  /** Another key, or another version of the key, is in the place already. */
  | 'exists'
  /** The file holds another key than its name says. */
  | 'key-mismatch'
  /** Others may read or change the file or directory (S7). */
  | 'insecure-permissions'
  | 'unreadable'
  | 'read-only'
  | 'disk-full'
  | 'io'
  /** The token library cannot be loaded, or pkcs11js is not installed. */
  | 'token-module'
  | 'token-absent'
  /** Several tokens, or several keys of a token, are meant by one URI. */
  | 'token-ambiguous'
  | 'no-pin'
  | 'wrong-pin'
  | 'pin-locked'
  /** The token refused for another reason, which its message tells. */
  | 'token-failed';

/** A key store that could not do what it was asked; every key is as it was before. */
export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError';
  readonly code: KeyStoreErrorCode;
  readonly keyId: KeyId | undefined;
  /** The file or directory concerned. */
  readonly path: string | undefined;
  /** The command that mends it, where there is one. */
  readonly remedy: string | undefined;

  constructor(
    code: KeyStoreErrorCode,
    message: string,
    about: { keyId?: KeyId; path?: string; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.keyId = about.keyId;
    this.path = about.path;
    this.remedy = about.remedy;
  }
}
