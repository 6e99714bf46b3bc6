// SPDX-License-Identifier: Apache-2.0
import type { Gun, RoleName, Version } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';
import type { AuditEntry, AuditQuery, AuditRecord } from './audit.ts';
import type { CollectionQuery, CollectionScope, HistoryEntry, HistoryQuery, ListedCollection } from './listing.ts';

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
export type VerifiedFile = MetadataFile & {
  /** When it stops being valid, as the file itself says. */
  readonly expires: Date;
  readonly [verified]: true;
};

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

/** When the current file of a role expires. */
export interface ExpiringFile {
  readonly gun: Gun;
  readonly role: RoleName;
  readonly version: Version;
  readonly expires: Date;
}

export interface ExpiryQuery {
  readonly role?: RoleName;
  readonly within?: CollectionScope;
  /** Only what expires at this moment or later. */
  readonly from?: Date;
  /** Only what expires before this moment. */
  readonly before: Date;
  /** Only what comes after this one in the order of the answer: where the last answer ended. */
  readonly after?: ExpiringFile;
  readonly limit: number;
}

/** By whom and when something is changed. */
export interface ChangeContext {
  readonly now: Date;
  readonly actor: Actor;
}

export interface CommitContext extends ChangeContext {
  /** What the audit log calls it; `publish` if nothing else is said. */
  readonly action?: 'publish' | 'renew' | 'import';
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

/**
 * The connection was lost while storage was being asked to make a commit or deletion final, and the outcome could not be
 * found out: it is stored wholly or not at all. Never reported as a refusal.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly gun: Gun;

  constructor(gun: Gun, options?: ErrorOptions) {
    super(`the database went away while ${gun} was being stored: it may have been stored or not`, options);
    this.gun = gun;
  }
}

/**
 * The database cannot hold metadata under this name: it takes the name for that of another collection (MySQL, whose tables
 * as Notary made them ignore case and accents), or has no characters for it. Nothing was stored.
 */
export class UnstorableNameError extends Error {
  override readonly name = 'UnstorableNameError';
  readonly gun: Gun;
  readonly reason: 'collides' | 'characters';

  constructor(gun: Gun, reason: 'collides' | 'characters', options?: ErrorOptions) {
    const why = reason === 'collides' ? 'it takes the name for that of another one' : 'it lacks characters of the name';
    super(`the database cannot hold ${gun}: ${why}`, options);
    this.gun = gun;
    this.reason = reason;
  }
}

/** Which file it is, without its content. */
export type FileHead = Pick<StoredFile, 'version' | 'sha256'>;

/** The timestamp that a commit builds on. */
export type CommitBase = FileHead;

export interface BackfillRequest {
  /** Rows written at most. */
  readonly limit: number;
  readonly now: Date;
  /** Ends it between two files. */
  readonly signal?: AbortSignal;
}

export interface BackfillProgress {
  /** Rows written. */
  readonly recorded: number;
  /** All files of this pass have been looked at; else the next call goes on with it. */
  readonly isComplete: boolean;
}

/**
 * Metadata of many trust collections; every version stays. Concurrent use is safe. A GUN and a role are compared byte by
 * byte, and content is found by its hash only under the GUN and role that it was stored for. What is absent is
 * `undefined`; every rejection but ConflictError, UnstorableNameError and OutcomeUnknownError means that storage is out of
 * order, and that nothing was changed; DatabaseUnavailableError that it may be well again in a moment.
 */
export interface MetadataStorage {
  /** The highest version; behind a cache it may have been the highest a second ago. */
  current(gun: Gun, role: RoleName): Promise<StoredFile | undefined>;
  /** The highest version, from storage itself: what a commit is based on. */
  latest(gun: Gun, role: RoleName): Promise<StoredFile | undefined>;
  /**
   * What is the highest version of each of these roles, at one moment, from storage itself; a role without a file is not
   * among the answer.
   */
  newest(gun: Gun, roles: readonly RoleName[]): Promise<ReadonlyMap<RoleName, FileHead>>;
  byVersion(gun: Gun, role: RoleName, version: Version): Promise<StoredFile | undefined>;
  /** @param sha256 lower-case hex */
  byHash(gun: Gun, role: RoleName, sha256: string): Promise<StoredFile | undefined>;

  /** Every version of a role, the newest first. */
  history(gun: Gun, role: RoleName, query: HistoryQuery): Promise<readonly HistoryEntry[]>;
  /**
   * Collections with their targets, from the same list as `expiring`: a collection that another program stored is missing
   * until `backfillExpiry` has come to it. Names are in the order that the database gives them.
   */
  collections(query: CollectionQuery): Promise<readonly ListedCollection[]>;

  /**
   * Stores all files, one changefeed entry for the timestamp among them, one entry of the audit log and the files' expiry,
   * or nothing; durable once it resolves. The files are the newest of their roles, several versions of one in their order:
   * verification saw to it.
   * Serializable per collection: rejects with ConflictError unless `base` is still the current timestamp, by version and
   * hash (`undefined`: there is none), or when one of the versions is taken. The version alone would not do: a collection
   * that was deleted and made anew counts from one again.
   */
  commit(gun: Gun, base: CommitBase | undefined, files: readonly VerifiedFile[], context: CommitContext): Promise<void>;

  /**
   * Removes everything of exactly this GUN, with a changefeed entry and one of the audit log if there was anything; the
   * audit log keeps what it has. Durable once it resolves.
   */
  delete(gun: Gun, context: ChangeContext): Promise<void>;

  /** Oldest first. */
  changes(query: ChangeQuery): Promise<readonly Change[]>;

  /** The ID of the newest change that can be seen, or 0; asked very often, it costs next to nothing. */
  lastChange(): Promise<number>;

  /**
   * Current files that expire soon, the soonest first. A hint to act on, not the truth: where another program wrote to the
   * database too, a newer file may exist.
   */
  expiring(query: ExpiryQuery): Promise<readonly ExpiringFile[]>;

  /**
   * Makes up what `expiring` lacks after another program, such as Notary, has written to the database: goes on where the
   * last call ended. What cannot be read is passed over. The first pass and one each day go through all files, the others
   * through what is new.
   */
  backfillExpiry(request: BackfillRequest): Promise<BackfillProgress>;

  /** Oldest first, whichever end they are taken from. */
  audit(query: AuditQuery): Promise<readonly AuditRecord[]>;

  /** Appends to the audit log; durable once it resolves. */
  recordAudit(entry: AuditEntry): Promise<void>;

  /** Resolves if storage can be reached. */
  check(): Promise<void>;
}

/** The name of every call, for what stands around storage. One that is new is one here too, or this does not compile. */
export const STORAGE_CALLS = Object.keys({
  current: true,
  latest: true,
  newest: true,
  byVersion: true,
  byHash: true,
  history: true,
  collections: true,
  commit: true,
  delete: true,
  changes: true,
  lastChange: true,
  expiring: true,
  backfillExpiry: true,
  audit: true,
  recordAudit: true,
  check: true,
} satisfies Readonly<Record<keyof MetadataStorage, true>>) as readonly (keyof MetadataStorage)[];
