// SPDX-License-Identifier: Apache-2.0

export type EngineErrorCode =
  | 'unreachable'
  | 'not-found'
  | 'pull-failed'
  | 'push-failed'
  | 'load-failed'
  | 'refused' // any other answer that is no success
  | 'timeout'
  | 'malformed'
  | 'unsupported' // an endpoint of a kind that is not spoken here
  | 'bad-endpoint'; // an endpoint or context that cannot be read

/** Everything that the engine client throws. The message is the daemon's own where it gave one. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly status: number | undefined;

  constructor(
    code: EngineErrorCode,
    message: string,
    details: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
  }
}
