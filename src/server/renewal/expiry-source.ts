// SPDX-License-Identifier: Apache-2.0
import type { Gun, RoleName, Version } from '../../tuf/index.ts';
import type { Actor } from '../actor.ts';

/** When the current file of a role expires. */
export interface ExpiringFile {
  readonly gun: Gun;
  readonly role: RoleName;
  readonly version: Version;
  readonly expires: Date;
}

/** What renewal and notices ask of storage. */
export interface ExpirySource {
  /** Current files that expire before a moment, the soonest first; those that come after `after` in that order. */
  expiring(query: {
    readonly role?: RoleName;
    readonly before: Date;
    readonly after?: ExpiringFile;
    readonly limit: number;
  }): Promise<readonly ExpiringFile[]>;
  /** Makes up what `expiring` lacks after another program wrote to the database; 0 when nothing is left to do. */
  backfillExpiry(limit: number): Promise<number>;
}

/** Where notices are recorded, and looked for. */
export interface NoticeLog {
  audit(query: {
    readonly gun: Gun;
    readonly actor: string;
    readonly since: Date;
    readonly after: number;
    readonly limit: number;
  }): Promise<
    readonly { readonly id: string; readonly action: string; readonly detail: Readonly<Record<string, unknown>> }[]
  >;
  recordAudit(entry: {
    readonly at: Date;
    readonly actor: Actor;
    readonly action: 'expiring';
    readonly gun: Gun;
    readonly detail: Readonly<Record<string, string | number>>;
  }): Promise<void>;
}
