// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { BoundedMap } from './bounded-map.ts';

/** A larger message costs about as much to hash as to verify. */
const MAX_MESSAGE_BYTES = 16 * 1024;
const DEFAULT_SIZE = 4096;

/** One check of a signature, whole: what it was checked with, over what, and the signature itself. */
export interface SignatureCheck {
  /** Hex SHA-256 of the public key's SPKI: one length for all keys. */
  readonly fingerprint: string;
  /** Of a fixed set, chosen by the key: never a name that came with the signature. */
  readonly algorithm: string;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Signatures that were found valid, so that a file that every update builds on is not verified anew in each.
 *
 * Whether a signature is valid depends on nothing but key, algorithm, message and signature, and an entry is the SHA-256
 * of all four, each framed so that no two checks spell the same: to have a false signature remembered, or taken for one
 * that was, needs a collision of SHA-256, which would break the signatures themselves. Only what was valid is kept, so
 * nobody can make a good signature fail either; how many keys must sign, which keys count, versions, pins and expiry are
 * judged anew each time. Forgetting costs time and nothing else.
 */
export class KnownSignatures {
  readonly #valid: BoundedMap<string, true>;

  /** @param size how many are kept */
  constructor(size = DEFAULT_SIZE) {
    this.#valid = new BoundedMap(size);
  }

  /** The answer of `verify`, which is not asked again where it said yes to this very check. */
  isValid(check: SignatureCheck, verify: () => boolean): boolean {
    if (check.message.length > MAX_MESSAGE_BYTES) return verify();
    const entry = entryOf(check);
    if (this.#valid.get(entry) !== undefined) return true;
    const valid = verify();
    if (valid) this.#valid.set(entry, true);
    return valid;
  }
}

function entryOf({ fingerprint, algorithm, message, signature }: SignatureCheck): string {
  const frame = `${fingerprint} ${algorithm} ${signature.length} ${message.length}\n`;
  return createHash('sha256').update(frame).update(signature).update(message).digest('base64');
}
