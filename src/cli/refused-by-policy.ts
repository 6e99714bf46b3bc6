// SPDX-License-Identifier: Apache-2.0
import type { Decision } from '../policy/index.ts';

/** What a policy does not let through; `errors.ts` says with which exit code. */
export class RefusedByPolicy extends Error {
  override readonly name = 'RefusedByPolicy';
  readonly outcome: 'deny' | 'unavailable';

  constructor(decision: Exclude<Decision, { readonly outcome: 'allow' }>) {
    super(`${decision.reference}: ${decision.message} (${decision.code}, rule ${decision.rule})`);
    this.outcome = decision.outcome;
  }
}
