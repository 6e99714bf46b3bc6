// SPDX-License-Identifier: Apache-2.0

export type RemoteSignerErrorCode =
  /** It cannot be reached, did not answer in time, or failed: later it may do. */
  | 'unavailable'
  /** It knows us, or our request, and will not do it. */
  | 'refused'
  /** Nobody could have it do what was asked for: the request itself is not what it has to be. */
  | 'invalid'
  /** It has no such key, or is no signing service. */
  | 'unknown'
  /** It has signed a newer version with this key: somebody else was faster, or its clients' storage went back. */
  | 'stale-version'
  /** It answered what no signing service should: another key's signature, a key that is none. */
  | 'bad-answer'
  /** Our certificate, key or the authority cannot be used. */
  | 'bad-tls';

/** A signing service that does not do what it is asked. */
export class RemoteSignerError extends Error {
  override readonly name = 'RemoteSignerError';
  readonly code: RemoteSignerErrorCode;

  constructor(code: RemoteSignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
