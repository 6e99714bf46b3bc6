// SPDX-License-Identifier: Apache-2.0

/** A write whose last step may have been done or not; `cause` is what happened. `writeAgain` finds out. */
export class OpenEnded extends Error {
  override readonly name = 'OpenEnded';

  constructor(cause: unknown) {
    super('the outcome is not known', { cause });
  }
}
