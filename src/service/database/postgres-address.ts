// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { type DatabaseAddress, DatabaseAddressError } from './database-address.ts';
import { parsePort, parseServerUrl, required, type ServerTarget, type TlsUse } from './server-target.ts';

const DEFAULT_PORT = 5432;
/** What other drivers of PostgreSQL understand and ours has no use for. */
const IGNORED = new Set([
  'binary_parameters',
  'fallback_application_name',
  'client_encoding',
  'disable_prepared_binary_result',
]);

/**
 * A `postgres://` or `postgresql://` URL, or libpq's `host=… dbname=…`. Parameters that are none of libpq's own become
 * settings of the session, such as `search_path`. @throws DatabaseAddressError
 */
export function parsePostgresAddress({ url, tls }: DatabaseAddress): ServerTarget {
  const values = /^postgres(ql)?:\/\//.test(url) ? fromUrl(url) : fromKeywords(url);
  const take = (name: string) => {
    const value = values.get(name);
    values.delete(name);
    return value === '' ? undefined : value;
  };
  const host = take('host') ?? take('hostaddr') ?? 'localhost';
  const socket = host.startsWith('/') ? host : undefined;
  const user = required(take('user'), 'user');
  const password = take('password');
  const seconds = take('connect_timeout');
  const port = take('port');
  const target = {
    port: port === undefined ? DEFAULT_PORT : parsePort(port),
    ...(socket === undefined ? { host } : { socket }),
    user,
    ...(password === undefined ? {} : { password }),
    database: take('dbname') ?? user,
    ...(seconds === undefined ? {} : { connectTimeout: Number(seconds) * 1000 || 0 }),
  };
  const use = tlsUse(take('sslmode'), tlsMaterial(tls, take), socket !== undefined);
  for (const name of IGNORED) values.delete(name);
  for (const name of values.keys()) {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(name)) {
      throw new DatabaseAddressError('a parameter in the address of the database has no valid name');
    }
  }
  return { ...target, tls: use, settings: values };
}

function fromUrl(text: string): Map<string, string> {
  const { parameters, database, ...parts } = parseServerUrl(text);
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries({ ...parts, dbname: database })) {
    if (value !== undefined) values.set(name, value);
  }
  for (const [name, value] of parameters) values.set(name, value);
  return values;
}

/** `name=value name='a value'`, with `\` before a quote or backslash. */
function fromKeywords(text: string): Map<string, string> {
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)\s*/gy;
  const values = new Map<string, string>();
  let end = 0;
  for (const match of text.matchAll(pair)) {
    values.set(match[1] ?? '', (match[2] ?? match[3] ?? '').replaceAll(/\\(.)/g, '$1'));
    end = match.index + match[0].length;
  }
  if (end !== text.length || values.size === 0) {
    throw new DatabaseAddressError('the address of the database is neither postgres://… nor host=… dbname=…');
  }
  return values;
}

interface Material {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** `sslrootcert=system` */
  readonly system: boolean;
}

function tlsMaterial(given: DatabaseAddress['tls'], take: (name: string) => string | undefined): Material {
  const files = { ca: take('sslrootcert'), cert: take('sslcert'), key: take('sslkey') };
  const system = given?.ca === undefined && files.ca === 'system';
  const read = (name: keyof typeof files): { [name: string]: string } => {
    const file = files[name];
    const text = given?.[name] ?? (file === undefined || (name === 'ca' && system) ? undefined : readPem(file));
    return text === undefined ? {} : { [name]: text };
  };
  return { ...read('ca'), ...read('cert'), ...read('key'), system };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DatabaseAddressError(`the address of the database names a file that cannot be read: ${file}`, { cause });
  }
}

/**
 * libpq's modes. `allow` and `prefer` are refused: whoever stands between could turn TLS off. Without a mode TLS is
 * required, as by the driver of Notary, and the server verified where an authority is given for it.
 */
function tlsUse(mode: string | undefined, { system, ...material }: Material, isSocket: boolean): TlsUse {
  const verified = system || material.ca !== undefined;
  switch (mode ?? (verified ? 'verify-full' : 'require')) {
    case 'disable':
      return false;
    case 'require':
      // as libpq: with an authority at hand, its signature is checked
      return isSocket ? false : { ...material, verify: system ? 'issuer-and-name' : verified ? 'issuer' : 'nothing' };
    case 'verify-ca':
      if (material.ca === undefined) {
        throw new DatabaseAddressError('sslmode=verify-ca needs an authority of your own: sslrootcert or a CA file');
      }
      return isSocket ? false : { ...material, verify: 'issuer' };
    case 'verify-full':
      return isSocket ? false : { ...material, verify: 'issuer-and-name' };
    case 'allow':
    case 'prefer':
      throw new DatabaseAddressError(
        `sslmode=${mode} protects from nobody: use disable, require, verify-ca or verify-full`,
      );
    default:
      throw new DatabaseAddressError('sslmode must be disable, require, verify-ca or verify-full');
  }
}
