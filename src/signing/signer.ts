// SPDX-License-Identifier: Apache-2.0
import type { PublicKey } from '../tuf/index.ts';

/** Whoever can sign with one private key: a key file, a token, a remote service. The key itself never leaves it. */
export interface Signer {
  /** The bare public key (`ecdsa`, `rsa`, `ed25519`), never a certificate. */
  readonly key: PublicKey;
  /** The signature of the whole message in the encoding of reference 2.7; hashing is the signer's business. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
