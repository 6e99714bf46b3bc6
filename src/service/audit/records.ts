// SPDX-License-Identifier: Apache-2.0

/** Plain data that survives JSON. */
export type AuditJson =
  | string
  | number
  | boolean
  | null
  | readonly AuditJson[]
  | { readonly [name: string]: AuditJson };

/** One entry of a service's audit log, as its database keeps it. */
export interface AuditLine {
  /** Decimal text, growing with time. */
  readonly id: string;
  readonly at: Date;
  readonly actor: { readonly name: string; readonly address?: string; readonly requestId?: string };
  readonly action: string;
  readonly gun?: string;
  readonly detail: { readonly [name: string]: AuditJson };
}

/** Every condition that is given must hold. */
export interface AuditLineQuery {
  /** Only entries with a greater ID. */
  readonly after?: number;
  readonly since?: Date;
  readonly limit: number;
}

/** Where entries are read from: oldest first. */
export interface AuditSource {
  audit(query: AuditLineQuery): Promise<readonly AuditLine[]>;
}
