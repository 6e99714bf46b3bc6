// SPDX-License-Identifier: Apache-2.0
import type { Gun, RoleName, Version } from '../tuf/index.ts';

/** Some of the collections: by name, and by the beginning of names. */
export interface Names {
  readonly guns: readonly string[];
  readonly prefixes: readonly string[];
}

/** A stored file; its bytes are shared, and believed by nobody. */
export interface SourceFile {
  readonly version: Version;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly createdAt: Date | undefined;
}

export interface SourceVersion {
  readonly version: Version;
  readonly sha256: string;
  readonly createdAt: Date | undefined;
}

export interface ListedRepository {
  readonly gun: Gun;
  /** Of its targets. */
  readonly expires: Date | undefined;
}

export interface RepositoryQuery {
  readonly contains?: string;
  readonly within?: Names;
  readonly order: 'name' | 'expiry';
  readonly descending?: boolean;
  readonly after?: ListedRepository;
  readonly limit: number;
}

export interface ExpiringRole {
  readonly gun: Gun;
  readonly role: RoleName;
  readonly version: Version;
  readonly expires: Date;
}

export interface ExpiringQuery {
  readonly role?: RoleName;
  readonly within?: Names;
  readonly before: Date;
  readonly after?: ExpiringRole;
  readonly limit: number;
}

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actor: { readonly name: string; readonly address?: string; readonly requestId?: string };
  readonly action: string;
  readonly gun?: string;
  /** Plain data, such as `{ files: [{ role, version, sha256 }] }`. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditRowsQuery {
  readonly gun?: Gun;
  readonly actor?: string;
  readonly action?: string;
  readonly within?: Names;
  readonly since?: Date;
  readonly until?: Date;
  readonly before?: number;
  readonly after?: number;
  readonly from?: 'oldest' | 'newest';
  readonly limit: number;
}

/** All that the console reads of a trust server's storage: it has no way to write, and no key. */
export interface ConsoleSource {
  current(gun: Gun, role: RoleName): Promise<SourceFile | undefined>;
  byVersion(gun: Gun, role: RoleName, version: Version): Promise<SourceFile | undefined>;
  byHash(gun: Gun, role: RoleName, sha256: string): Promise<SourceFile | undefined>;
  /** The newest first. */
  history(gun: Gun, role: RoleName, query: { before?: Version; limit: number }): Promise<readonly SourceVersion[]>;
  collections(query: RepositoryQuery): Promise<readonly ListedRepository[]>;
  /** The soonest first. */
  expiring(query: ExpiringQuery): Promise<readonly ExpiringRole[]>;
  /** Oldest first, whichever end they are taken from. */
  audit(query: AuditRowsQuery): Promise<readonly AuditRow[]>;
}

/** Who looks, and what they may see. */
export interface Visitor {
  readonly actor: { readonly name: string; readonly address?: string };
  /** What lists show them; `undefined` is everything. */
  readonly names: Names | undefined;
  mayPull(gun: Gun): boolean;
}

/** Why somebody is not let in. */
export interface Refusal {
  readonly refused: 'unknown' | 'too-many' | 'unavailable';
  readonly retryAfterSeconds?: number;
}

export interface Session {
  readonly token: string;
  readonly lifetimeSeconds: number;
}

/** Decides who may look: the same rules as the trust server's API. */
export interface Door {
  /** How people show who they are; `nothing` where everybody may do everything. */
  readonly signIn: 'nothing' | 'password' | 'token';
  /** By the `Authorization` header of a request; a session is a bearer token. */
  enter(request: Request): Promise<Visitor | Refusal>;
  /** A session for the credentials of the `Authorization` header. */
  session(request: Request): Promise<Session | Refusal>;
}
