// SPDX-License-Identifier: Apache-2.0
import type { Gun, RoleName, Version } from '../../tuf/index.ts';

/** One version of one role's file. */
export interface MetadataFile {
  readonly role: RoleName;
  readonly version: Version;
  readonly bytes: Uint8Array;
  /** Lower-case hex, over `bytes`. */
  readonly sha256: string;
}

declare const verified: unique symbol;

/** A new file that went through every stage of a client's update; only verification.ts makes it (S10). */
export type VerifiedFile = MetadataFile & { readonly [verified]: true };

/** A file as it lies in storage. Its bytes are shared: nobody may change them. */
export interface StoredFile extends MetadataFile {
  /** `undefined` in rows that another program wrote without it. */
  readonly createdAt: Date | undefined;
}

/** One entry of the changefeed (reference 6.7). A deletion has version 0 and no hash. */
export interface Change {
  /** Decimal text, growing with time. */
  readonly id: string;
  readonly createdAt: Date;
  readonly gun: string;
  readonly version: number;
  readonly sha256: string;
  readonly category: 'update' | 'deletion';
}

export interface ChangeQuery {
  /** Changes of this GUN alone. */
  readonly gun?: Gun;
  /** The first `limit` changes after `bound`, or the last `limit` before it. */
  readonly from: 'oldest' | 'newest';
  /** Exclusive; without it the feed's beginning or end. */
  readonly bound?: number;
  readonly limit: number;
}

/** Another publish came first; nothing was stored. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly gun: Gun;
  /** The timestamp version that the publish was made on. */
  readonly expected: Version | undefined;

  constructor(gun: Gun, expected: Version | undefined, options?: ErrorOptions) {
    super(`another update of ${gun} came first`, options);
    this.gun = gun;
    this.expected = expected;
  }
}

/** The timestamp that a commit builds on. */
export type CommitBase = Pick<StoredFile, 'version' | 'sha256'>;

/**
 * Metadata of many trust collections; every version stays. Concurrent use is safe. A GUN and a role are compared byte by
 * byte, and content is found by its hash only under the GUN and role that it was stored for. What is absent is
 * `undefined`; every rejection but ConflictError means that storage is out of order.
 */
export interface MetadataStorage {
  /** The highest version; behind a cache it may have been the highest a second ago. */
  current(gun: Gun, role: RoleName): Promise<StoredFile | undefined>;
  /** The highest version, from storage itself: what a commit is based on. */
  latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined>;
  byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined>;
  /** @param sha256 lower-case hex */
  byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined>;

  /**
   * Stores all files and one changefeed entry for the timestamp among them, or nothing; durable once it resolves.
   * Serializable per collection: rejects with ConflictError unless `base` is still the current timestamp, by version and
   * hash (`undefined`: there is none), or when one of the versions is taken. The version alone would not do: a collection
   * that was deleted and made anew counts from one again.
   */
  commit(gun: Gun, base: CommitBase | undefined, files: readonly VerifiedFile[], now: Date): Promise<void>;

  /** Removes everything of exactly this GUN, with a changefeed entry if there was anything; durable once it resolves. */
  delete(gun: Gun, now: Date): Promise<void>;

  /** Oldest first. */
  changes(query: ChangeQuery): Promise<readonly Change[]>;

  /** Resolves if storage can be reached. */
  check(): Promise<void>;
}
