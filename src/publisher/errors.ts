// SPDX-License-Identifier: Apache-2.0
import type { KeyId, RoleName } from '../tuf/index.ts';

/**
 * `conflict`: somebody published meanwhile. `rejected`: the server refused what we sent. `no-signing-key`: none of the
 * role's keys is at hand. `no-delegation-key`: the repository has delegations, and none whose key is at hand may sign the
 * tag; `roles` are those that may. `not-signed`: there is nothing to take away. `incomplete`: another's role still holds the tag.
 */
export type PublishErrorCode =
  | 'conflict'
  | 'rejected'
  | 'no-signing-key'
  | 'no-delegation-key'
  | 'not-signed'
  | 'incomplete';

/** A publication that did not happen, or, with `incomplete`, did not reach everything. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly code: PublishErrorCode;
  readonly roles: readonly RoleName[];
  readonly keyIds: readonly KeyId[];
  /** What a server said when it refused: the name of its reason, and its words. */
  readonly reason: { readonly name: string; readonly message: string } | undefined;
  /** How many of the keys are still needed. */
  readonly needed: number | undefined;

  constructor(
    code: PublishErrorCode,
    message: string,
    about: {
      roles?: readonly RoleName[];
      keyIds?: readonly KeyId[];
      reason?: PublishError['reason'];
      needed?: number;
      cause?: unknown;
    } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.roles = about.roles ?? [];
    this.keyIds = about.keyIds ?? [];
    this.reason = about.reason;
    this.needed = about.needed;
  }
}
