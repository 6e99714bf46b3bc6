// SPDX-License-Identifier: Apache-2.0

import type { Digest } from '../registry/index.ts';
import type { VerificationCode } from '../tuf/index.ts';
import type { Mode } from './policy.ts';

/** The parts of a decision, in the order in which they are taken. */
export type StepName = 'reference' | 'rule' | 'identity' | 'trust data' | 'pins' | 'freshness' | 'signers' | 'digest';

/** Codes of trust data; those of `VerificationError`. */
const TRUST_CODES = [
  'malformed',
  'threshold',
  'rollback',
  'expired',
  'hash-mismatch',
  'length-mismatch',
  'root-chain',
  'unmet-pin',
  'unsigned',
  'unusable-root-key',
] as const satisfies readonly VerificationCode[];

/** Why an image is refused: the evidence is bad, or the rule asks for more than there is. */
export const DENY_CODES = [
  ...TRUST_CODES,
  'invalid-reference',
  'no-rule', // the default denies
  'denied', // a rule denies
  'not-pinned', // the rule lists what is allowed, and this is not in it
  'no-floor', // the rule is frozen and names no version for this repository
  'below-floor',
  'missing-signers',
  'signers-disagree',
  'not-signed', // the digest is signed for no tag, or not recently enough
  'other-digest', // the tag is signed for another digest than the one asked for
] as const;
export type DenyCode = (typeof DENY_CODES)[number] | VerificationCode;

/** Why nothing could be said. */
export const UNAVAILABLE_CODES = [
  'unreachable',
  'timeout',
  'unavailable',
  'unauthorized',
  'not-found',
  'too-large',
  'rejected',
  'busy', // too many verifications at once
  'state', // the own record cannot be read or written
] as const;
export type UnavailableCode = (typeof UNAVAILABLE_CODES)[number];

export type Refusal =
  | { readonly outcome: 'deny'; readonly code: DenyCode; readonly step: StepName; readonly message: string }
  | {
      readonly outcome: 'unavailable';
      readonly code: UnavailableCode;
      readonly step: StepName;
      readonly message: string;
    };

export interface Allowed {
  readonly outcome: 'allow';
  /**
   * What the reference means and the only thing that may be used (property 5). Undefined where a rule lets a tag through
   * that nothing was verified about: only then may somebody else be asked what it means.
   */
  readonly digest: Digest | undefined;
  /** Bytes of the manifest where they are signed. Its media type is not: whoever reads it checks the manifest's form. */
  readonly size: number | undefined;
  /** Whether evidence or a pinned digest stands behind it. */
  readonly verified: boolean;
  /** The tag that it is signed for. */
  readonly tag: string | undefined;
  /** Roles that sign it. */
  readonly signers: readonly string[];
  /** When the first of the files that it rests on expires. */
  readonly expires: Date | undefined;
  /** The refusal that mode `warn` or `audit` lets through: to be told, loudly. */
  readonly overruled: Refusal | undefined;
}

/** What was looked at, for `hallmark policy explain` and for whoever has to find out why. */
export interface Step {
  readonly step: StepName;
  readonly result: 'ok' | 'refused' | 'unavailable';
  readonly text: string;
}

interface Explained {
  /** As it was asked. */
  readonly reference: string;
  /** Name of the trust data; undefined where it did not come to that. */
  readonly gun: string | undefined;
  /** The pattern of the rule, or `default`. */
  readonly rule: string;
  readonly mode: Mode;
  readonly steps: readonly Step[];
}

export type Decision = (Allowed | Refusal) & Explained;

/** A refusal on its way to becoming a decision. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;

  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(refusal.message, options);
    this.refusal = refusal;
  }
}

export function denied(code: DenyCode, step: StepName, message: string, options?: ErrorOptions): Refused {
  return new Refused({ outcome: 'deny', code, step, message }, options);
}

export function unavailable(code: UnavailableCode, step: StepName, message: string, options?: ErrorOptions): Refused {
  return new Refused({ outcome: 'unavailable', code, step, message }, options);
}
