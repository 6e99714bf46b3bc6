// SPDX-License-Identifier: Apache-2.0
import type { PublicKey } from './keys.ts';
import type { Envelope, MetaFile, Root, Signed } from './metadata.ts';
import { type Gun, isTopLevel, type KeyId, type RoleName } from './names.ts';

export type SignedOf<K extends Signed['type']> = Extract<Signed, { type: K }>;

/** A wire format: how bytes look, never whether they are trusted. */
export interface Dialect {
  readonly name: 'notary-v1' | 'tuf-v1';

  /** What a file says. @throws MetadataError `malformed` */
  decode<K extends Signed['type']>(kind: K, file: Uint8Array): Envelope<SignedOf<K>>;
  /** The bytes of a file. What {@link decode} reads gives the same `signed` again. */
  encode(envelope: Pick<Envelope, 'signedBytes' | 'signatures'>): Uint8Array;
  /** What a signer is asked to sign. @throws MetadataError `malformed` */
  decodeSigned<K extends Signed['type']>(kind: K, payload: Uint8Array): SignedOf<K>;
  /** The bytes to sign. */
  encodeSigned(signed: Signed): Uint8Array;

  /**
   * As {@link decode}, of a file that every other implementation would write with these very bytes, so that none of them
   * records the hash of bytes that do not exist. @throws MetadataError `malformed`
   */
  decodeCanonical<K extends Signed['type']>(kind: K, file: Uint8Array): Envelope<SignedOf<K>>;

  /** The root keys that may speak for `gun`: at `at`, or at any time when it is left out. */
  rootKeys(root: Root, gun: Gun, at?: Date): ReadonlyMap<KeyId, PublicKey>;

  /** Whether `parent` may delegate to a role of this name at all, whatever its file says. */
  mayDelegate(parent: RoleName, child: RoleName): boolean;

  /** Name of a role's file, without directory: by its pin where the wire addresses files so. */
  fileName(role: RoleName, pin?: MetaFile): string;
  /** The pin by which a snapshot or timestamp names this file. */
  pin(file: Uint8Array): MetaFile;
}

/** The kind of metadata that a role's files hold. */
export function kindOf(role: RoleName): Signed['type'] {
  return isTopLevel(role) ? role : 'targets';
}
