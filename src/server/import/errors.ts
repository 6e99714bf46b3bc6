// SPDX-License-Identifier: Apache-2.0

/** What cannot be taken over here, and nothing of it was. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}
