// SPDX-License-Identifier: Apache-2.0

/**
 * Why data could not be had. `unreachable`, `timeout` and `unavailable` mean that the server gave no usable answer, and
 * only these may be bridged with cached data; `not-found` is an answer (S36: gone is not offline).
 */
export type DownloadCode =
  | 'unreachable'
  | 'timeout'
  | 'unavailable'
  | 'unauthorized'
  | 'not-found'
  | 'too-large'
  | 'rejected';

export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly code: DownloadCode;
  readonly url: string;
  readonly status: number | undefined;

  constructor(code: DownloadCode, url: string, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.url = url;
    this.status = options.status;
  }
}

/** Trust state on disk that cannot be read or written; names the file. */
export class TrustDirectoryError extends Error {
  override readonly name = 'TrustDirectoryError';
  readonly path: string;
  readonly code: 'unreadable' | 'unwritable' | 'damaged';

  constructor(code: TrustDirectoryError['code'], path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}
