// SPDX-License-Identifier: Apache-2.0

/** Bytes that a file of which nothing is known yet may have (S23; Notary allows 100 MiB for a root). */
export const MAX_ROOT_BYTES = 1 << 20;
export const MAX_TIMESTAMP_BYTES = 1 << 16;
/** Bytes that a file may have whatever its referrer says. */
const MAX_PINNED_BYTES = 1 << 26;
/** Roots that one update may follow. */
export const MAX_ROOT_UPDATES = 1024;

/** Bytes that a file may have of which its referrer says at most the length. */
export function maxBytes(announced: number | undefined): number {
  return Math.min(announced ?? MAX_PINNED_BYTES, MAX_PINNED_BYTES);
}
