// SPDX-License-Identifier: Apache-2.0
import { DatabaseAddressError } from './database-address.ts';

/** How a connection is protected. `false` is no TLS at all. */
export type TlsUse =
  | false
  | {
      /** PEM of the authorities that may have issued the server's certificate; those of the system if absent. */
      readonly ca?: string;
      readonly cert?: string;
      readonly key?: string;
      /** Nobody asks who the server is; the issuer alone must be right; the name must be right too. */
      readonly verify: 'nothing' | 'issuer' | 'issuer-and-name';
    };

/** A database server and what to say to it. */
export interface ServerTarget {
  /** Absent for a Unix socket. */
  readonly host?: string;
  readonly port: number;
  /** A directory for PostgreSQL, a file for MySQL. */
  readonly socket?: string;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly tls: TlsUse;
  /** Milliseconds, where the address says so. */
  readonly connectTimeout?: number;
  readonly statementTimeout?: number;
  /** Settings of the session, by name. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Host, port and database, for people to read; never the user or the password. */
export function placeOf(engine: string, { host, port, socket, database }: ServerTarget): string {
  const shown = host?.includes(':') ? `[${host}]` : host;
  return `${engine} ${socket ?? `${shown}:${port}`}/${database}`;
}

/** @throws DatabaseAddressError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new DatabaseAddressError('the port in the address of the database is not a port');
  }
  return port;
}

/** @throws DatabaseAddressError */
export function unescapePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new DatabaseAddressError('the address of the database has a broken percent escape', { cause });
  }
}

/** @throws DatabaseAddressError if something is missing */
export function required(value: string | undefined, what: string): string {
  if (value === undefined || value === '')
    throw new DatabaseAddressError(`the address of the database names no ${what}`);
  return value;
}

/** `postgres://` and `mysql://` URLs, taken apart; what is absent is `undefined`. @throws DatabaseAddressError */
export function parseServerUrl(text: string) {
  if (!URL.canParse(text)) throw new DatabaseAddressError('the address of the database is no URL');
  const url = new URL(text);
  const part = (value: string) => (value === '' ? undefined : unescapePercent(value));
  return {
    user: part(url.username),
    password: part(url.password),
    host: part(url.hostname.replace(/^\[(.*)\]$/, '$1')),
    port: part(url.port),
    database: part(url.pathname.slice(1)),
    parameters: url.searchParams,
  };
}
