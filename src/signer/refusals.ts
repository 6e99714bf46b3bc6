// SPDX-License-Identifier: Apache-2.0
import { status } from '@grpc/grpc-js';

export type SigningRefusalCode =
  /** The request, or the content to sign, is not what it has to be. */
  | 'invalid'
  /** It is well-formed, and older than what the key signed already. */
  | 'stale-version'
  | 'unknown-key'
  | 'unknown-service'
  | 'unsupported-algorithm'
  /** This client may not do this. */
  | 'forbidden'
  /** Too much is under way. */
  | 'busy'
  | 'too-slow'
  /** It was to be done, and went wrong; the client is told no more. */
  | 'creation-failed'
  | 'failed';

/** A call that is not answered as it was asked. The message goes to the client. */
export class SigningRefusal extends Error {
  override readonly name = 'SigningRefusal';
  readonly code: SigningRefusalCode;

  constructor(code: SigningRefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The gRPC status of a refusal; codes and texts that Notary's signer has are its own (reference 8). */
export function statusOf({ code }: SigningRefusal): status {
  switch (code) {
    case 'invalid':
      return status.INVALID_ARGUMENT;
    case 'stale-version':
      return status.FAILED_PRECONDITION;
    case 'unknown-key':
    case 'unknown-service':
      return status.NOT_FOUND;
    case 'unsupported-algorithm':
      return status.UNKNOWN;
    case 'forbidden':
      return status.PERMISSION_DENIED;
    case 'busy':
      return status.RESOURCE_EXHAUSTED;
    case 'too-slow':
      return status.DEADLINE_EXCEEDED;
    case 'creation-failed':
    case 'failed':
      return status.INTERNAL;
    default:
      return code satisfies never;
  }
}
