// SPDX-License-Identifier: Apache-2.0

export type ServiceKeyErrorCode =
  /** No passphrase is known for the alias that the key was encrypted under. */
  | 'no-passphrase'
  | 'wrong-passphrase'
  | 'malformed'
  /** The key was removed while a signer for it was held. */
  | 'not-found'
  /** Where the keys are kept there is no place for the name of the repository: it lacks characters of it. */
  | 'unstorable-name';

/** A stored service key that cannot be used. */
export class ServiceKeyError extends Error {
  override readonly name = 'ServiceKeyError';
  readonly code: ServiceKeyErrorCode;

  constructor(code: ServiceKeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
