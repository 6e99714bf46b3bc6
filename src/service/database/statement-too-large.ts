// SPDX-License-Identifier: Apache-2.0

/** More than MySQL is set up to take in one piece; nothing was sent. */
export class StatementTooLargeError extends Error {
  override readonly name = 'StatementTooLargeError';

  constructor(limit: number) {
    super(`the database takes less than ${limit} bytes at once: max_allowed_packet`);
  }
}
