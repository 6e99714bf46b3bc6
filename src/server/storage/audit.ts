// SPDX-License-Identifier: Apache-2.0
import type { Gun, RoleName, Version } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';
import type { CollectionScope } from './listing.ts';

/** What was done, or was refused. */
export type AuditAction =
  /** An update was stored. */
  | 'publish'
  /** The server signed anew what it signs itself. */
  | 'renew'
  /** A copy of another server's data was taken in. */
  | 'import'
  | 'delete'
  | 'key-create'
  | 'key-rotate'
  | 'refused'
  /** Not done: a file that only its publisher can sign is about to expire. */
  | 'expiring';

/** Plain data that survives JSON; never a secret. */
export type AuditDetail = { readonly [name: string]: AuditValue };
export type AuditValue = string | number | boolean | null | readonly AuditValue[] | AuditDetail;

export interface AuditEntry {
  readonly at: Date;
  readonly actor: Actor;
  readonly action: AuditAction;
  /** Absent where a request was about no collection. */
  readonly gun?: Gun;
  readonly detail: AuditDetail;
}

/** An entry as it was recorded; times are exact to the millisecond. */
export interface AuditRecord extends Omit<AuditEntry, 'action' | 'gun'> {
  /** Decimal text, growing with time. */
  readonly id: string;
  /** May be one that a newer version of the program wrote. */
  readonly action: string;
  readonly gun?: string;
}

/** Every condition that is given must hold. */
export interface AuditQuery {
  readonly gun?: Gun;
  /** The name of the actor, exactly. */
  readonly actor?: string;
  /** From this moment on. */
  readonly since?: Date;
  /** Before this moment. */
  readonly until?: Date;
  readonly action?: string;
  /** Only entries about these collections: none about no collection. */
  readonly within?: CollectionScope;
  /** Only entries with a greater ID. */
  readonly after?: number;
  /** Only entries with a lesser ID. */
  readonly before?: number;
  /** The first `limit` of those that fit, or the last. */
  readonly from?: 'oldest' | 'newest';
  readonly limit: number;
}

/** What the record of a publish says of each of its files. */
export function detailOf(
  files: readonly { readonly role: RoleName; readonly version: Version; readonly sha256: string }[],
): AuditDetail {
  return { files: files.map(({ role, version, sha256 }) => ({ role, version, sha256 })) };
}
