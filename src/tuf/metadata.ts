// SPDX-License-Identifier: Apache-2.0
import type { JsonValue } from '../encoding/index.ts';
import type { PublicKey } from './keys.ts';
import type { KeyId, RoleName, TopLevelRole, Version } from './names.ts';

export type HashAlgorithm = 'sha256' | 'sha512';
/** Bytes of a hash, by its name on the wire. */
export const HASH_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha256', 32],
  ['sha512', 64],
]);

/** The keys that may sign for a role, and how many of them must. */
export interface RoleKeys {
  readonly keyIds: readonly KeyId[];
  readonly threshold: number;
}

interface Common {
  readonly version: Version;
  readonly expires: Date;
}

export interface Root extends Common {
  readonly type: 'root';
  readonly keys: ReadonlyMap<KeyId, PublicKey>;
  readonly roles: ReadonlyMap<TopLevelRole, RoleKeys>;
  readonly consistentSnapshot: boolean;
}

/** What one file says of another; every pin that is present must match. */
export interface MetaFile {
  readonly version?: Version;
  readonly length?: number;
  readonly hashes?: ReadonlyMap<HashAlgorithm, Uint8Array>;
}

export interface Timestamp extends Common {
  readonly type: 'timestamp';
  readonly snapshot: MetaFile;
}

export interface Snapshot extends Common {
  readonly type: 'snapshot';
  readonly meta: ReadonlyMap<RoleName, MetaFile>;
}

/** A signed target. In Docker's use its path is a tag, its hash the manifest digest, its length the manifest's. */
export interface TargetFile {
  readonly length: number;
  readonly hashes: ReadonlyMap<string, Uint8Array>;
  readonly custom?: JsonValue;
}

export interface Delegation extends RoleKeys {
  readonly name: RoleName;
  /** Prefixes of the target paths that the role may sign; `''` is every path, an empty list none. */
  readonly paths: readonly string[];
  /** Patterns of further paths: `*` and `?` stand for characters other than `/`. */
  readonly patterns?: readonly string[];
  /** Beginnings of the hex SHA-256 of further paths. */
  readonly hashPrefixes?: readonly string[];
  /** Whether a search for a path that the role may sign ends with this role and those below it. */
  readonly terminating?: boolean;
}

/** 2^bits roles with the same keys, named `<prefix>-<hex number>`: each may sign the paths whose hash begins so. */
export interface SuccinctRoles extends RoleKeys {
  /** 1 to 32. */
  readonly bits: number;
  readonly namePrefix: string;
}

export interface Delegations {
  readonly keys: ReadonlyMap<KeyId, PublicKey>;
  readonly roles: readonly Delegation[];
  /** Instead of `roles`. */
  readonly succinct?: SuccinctRoles;
}

export interface Targets extends Common {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations;
}

export type Signed = Root | Timestamp | Snapshot | Targets;

export interface Signature {
  readonly keyId: KeyId;
  readonly method: string;
  readonly bytes: Uint8Array;
}

/** What a file says, before anything in it is believed. */
export interface Envelope<T extends Signed = Signed> {
  readonly signed: T;
  /** The exact bytes that the signatures cover. */
  readonly signedBytes: Uint8Array;
  readonly signatures: readonly Signature[];
}

declare const verified: unique symbol;

/** Metadata whose signatures met the role's threshold; only verify.ts makes it. */
export type Verified<T> = T & { readonly [verified]: true };
