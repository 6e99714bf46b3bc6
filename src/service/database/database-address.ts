// SPDX-License-Identifier: Apache-2.0

export type DatabaseEngine = 'sqlite' | 'postgres' | 'mysql';

/** Where a database is. The URL may hold a password: it is for {@link openDatabase} alone, never for a log. */
export interface DatabaseAddress {
  readonly engine: DatabaseEngine;
  /**
   * sqlite: a path, or `:memory:`. postgres: `postgres://user:pw@host:port/db?sslmode=…`, or libpq's `host=… dbname=…`.
   * mysql, MariaDB too: `mysql://user:pw@host:port/db?tls=…`, or Go's `user:pw@tcp(host:port)/db?tls=…`.
   */
  readonly url: string;
  /** PEM text; takes the place of files that the URL names. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Connections at most; 10 unless told otherwise. SQLite has one. */
  readonly poolSize?: number;
  /** Milliseconds until a connection must stand. */
  readonly connectTimeout?: number;
  /** Milliseconds that one statement may take. */
  readonly statementTimeout?: number;
}

export const DEFAULT_POOL_SIZE = 10;
export const DEFAULT_CONNECT_TIMEOUT = 10_000;
export const DEFAULT_STATEMENT_TIMEOUT = 30_000;

/** An address that says nothing usable; the message never repeats it, since it may hold a password. */
export class DatabaseAddressError extends Error {
  override readonly name = 'DatabaseAddressError';
}

/** A database that cannot be opened; `place` says which, without a password, and `cause` why. */
export class DatabaseOpenError extends Error {
  override readonly name = 'DatabaseOpenError';
  /** A path, or `postgres HOST:PORT/DATABASE`. */
  readonly place: string;

  constructor(place: string, cause: unknown) {
    super(`cannot open database ${place}${cause instanceof Error ? `: ${cause.message}` : ''}`, { cause });
    this.place = place;
  }
}
