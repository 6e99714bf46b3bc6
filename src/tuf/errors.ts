// SPDX-License-Identifier: Apache-2.0
import type { RoleName } from './names.ts';

/**
 * Why something is not trusted. `unsigned` is a tag or repository that nobody signed, `unmet-pin` a root that does not
 * fit what the user pinned, `root-chain` a root that its predecessor did not authorise.
 */
export type VerificationCode =
  | 'malformed'
  | 'threshold'
  | 'rollback'
  | 'expired'
  | 'hash-mismatch'
  | 'length-mismatch'
  | 'root-chain'
  | 'unmet-pin'
  | 'unsigned'
  | 'unusable-root-key';

/** Evidence that is bad: the file is refused and what was trusted before stays trusted. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
  readonly code: VerificationCode;
  readonly role: RoleName;
  /** What the check asked for, and what it met, where both can be said in a few words. */
  readonly expected: string | undefined;
  readonly actual: string | undefined;

  constructor(
    code: VerificationCode,
    role: RoleName,
    message: string,
    evidence: { expected?: string; actual?: string; cause?: unknown } = {},
  ) {
    super(message, evidence.cause === undefined ? undefined : { cause: evidence.cause });
    this.code = code;
    this.role = role;
    this.expected = evidence.expected;
    this.actual = evidence.actual;
  }
}
