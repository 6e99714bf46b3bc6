// SPDX-License-Identifier: Apache-2.0
import { type DatabaseAddress, DatabaseAddressError } from './database-address.ts';
import {
  parsePort,
  parseServerUrl,
  required,
  type ServerTarget,
  type TlsUse,
  unescapePercent,
} from './server-target.ts';

const DEFAULT_PORT = 3306;
const DEFAULT_SOCKET = '/tmp/mysql.sock';

/** What steers the Go driver alone, and so means nothing here: time, character set and isolation are always our own. */
const IGNORED = new Set(
  'parseTime loc charset collation interpolateParams multiStatements maxAllowedPacket clientFoundRows columnsWithAlias checkConnLiveness connectionAttributes allowNativePasswords allowOldPasswords rejectReadOnly timeTruncate compress'.split(
    ' ',
  ),
);

interface Parts {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly socket?: string | undefined;
  readonly database: string | undefined;
  readonly parameters: URLSearchParams;
}

/** A `mysql://` URL or a DSN of Go's driver, as Notary's configuration has it. @throws DatabaseAddressError */
export function parseMysqlAddress({ url, tls }: DatabaseAddress): ServerTarget {
  const parts = /^(mysql|mariadb):\/\//.test(url) ? fromUrl(url) : fromDsn(url);
  const { socket, password, parameters } = parts;
  const take = (name: string) => {
    const value = parameters.get(name) ?? undefined;
    parameters.delete(name);
    return value;
  };
  const use = tlsUse(take('tls'), tls, socket !== undefined);
  const connectTimeout = duration(take('timeout'));
  const statementTimeout = duration(take('readTimeout'));
  take('writeTimeout');
  for (const name of [...parameters.keys()]) if (IGNORED.has(name)) parameters.delete(name);
  if ([...parameters.keys()].length > 0) {
    // its name is not repeated: in a DSN without /DATABASE it is a part of the password
    throw new DatabaseAddressError(
      'the address of the database has another parameter than tls, timeout and readTimeout',
    );
  }
  return {
    port: parts.port === undefined ? DEFAULT_PORT : parsePort(parts.port),
    ...(socket === undefined ? { host: parts.host ?? '127.0.0.1' } : { socket }),
    user: required(parts.user, 'user'),
    ...(password === undefined ? {} : { password }),
    database: required(parts.database, 'database'),
    tls: use,
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(statementTimeout === undefined ? {} : { statementTimeout }),
    settings: new Map(),
  };
}

function fromUrl(text: string): Parts {
  const parts = parseServerUrl(text);
  const socket = parts.parameters.get('socket') ?? undefined;
  parts.parameters.delete('socket');
  return { ...parts, socket };
}

/** `[user[:password]@][protocol[(address)]]/database[?parameters]`; a password may hold `@`, `/` and `:`. */
function fromDsn(text: string): Parts {
  const slash = text.lastIndexOf('/');
  if (slash < 0) throw new DatabaseAddressError('the address of the database is no DSN: it lacks /DATABASE');
  const [database, query] = splitAt(text.slice(slash + 1), '?');
  // then the slash was one of the password, whose end must not be taken for a name that errors show
  if (/[@():]/.test(database))
    throw new DatabaseAddressError('the address of the database is no DSN: it lacks /DATABASE');
  const at = text.slice(0, slash).lastIndexOf('@');
  const [user, password] = splitAt(at < 0 ? '' : text.slice(0, at), ':');
  const place = placeFrom(text.slice(at + 1, slash));
  const parameters = new URLSearchParams(query ?? '');
  return { user, password, database: unescapePercent(database), parameters, ...place };
}

function placeFrom(text: string): Pick<Parts, 'host' | 'port' | 'socket'> {
  const [, protocol = 'tcp', address] = /^([a-z0-9]*)(?:\((.*)\))?$/.exec(text) ?? [];
  if (protocol === 'unix') return { socket: address || DEFAULT_SOCKET };
  if (!/^(tcp[46]?)?$/.test(protocol) || (address === undefined && text.includes('('))) {
    throw new DatabaseAddressError('the address of the database must say tcp(HOST:PORT) or unix(PATH)');
  }
  const [, six, four, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(address ?? '') ?? [];
  const host = six ?? four;
  if (address !== undefined && host === undefined) {
    throw new DatabaseAddressError('the address of the database must say tcp(HOST:PORT) or unix(PATH)');
  }
  return { host: host === '' ? undefined : host, port };
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's `1m30s` or `500ms`, as milliseconds. */
function duration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    throw new DatabaseAddressError('a timeout in the address of the database is no duration such as 30s');
  }
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g))
    total += Number(number) * (UNITS[unit ?? ''] ?? 0);
  return total;
}

/**
 * The values of Go's driver. `preferred` is refused: whoever stands between could turn TLS off. Where TLS material is given
 * and no mode, the server is verified.
 */
function tlsUse(mode: string | undefined, material: DatabaseAddress['tls'], isSocket: boolean): TlsUse {
  switch (mode ?? (material === undefined || isSocket ? 'false' : 'true')) {
    case 'false':
    case '0':
      return false;
    case 'true':
    case '1':
      return { ...material, verify: 'issuer-and-name' };
    case 'skip-verify':
      return { ...material, verify: 'nothing' };
    case 'preferred':
      throw new DatabaseAddressError('tls=preferred protects from nobody: use true, skip-verify or false');
    default:
      throw new DatabaseAddressError('tls must be true, skip-verify or false');
  }
}
