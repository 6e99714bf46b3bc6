// SPDX-License-Identifier: Apache-2.0
import type { KeyAlgorithm, KeyId, PublicKey } from '../tuf/index.ts';

/** Whoever can sign with one private key: a key file, a token, a remote service. The key itself never leaves it. */
export interface Signer {
  /** The bare public key (`ecdsa`, `rsa`, `ed25519`), never a certificate. */
  readonly key: PublicKey;
  /** The signature of the whole message in the encoding of reference 2.7; hashing is the signer's business. */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** RSA alone: PKCS#1 v1.5 with SHA-256, the form in which certificates are signed, whatever metadata takes. */
  signPkcs1?(message: Uint8Array): Promise<Uint8Array>;
}

/** A key of a store, opened: its own ID says which it is. */
export interface StoredKey extends Signer {
  readonly keyId: KeyId;
  readonly algorithm: KeyAlgorithm;
}
