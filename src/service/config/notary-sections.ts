// SPDX-License-Identifier: Apache-2.0
/** What the configurations of Notary's two services have in common (reference 11.2, 11.3), with Notary's messages. */
import { z } from 'zod';
import { type Address, parseAddress } from '../address.ts';
import type { LogLevel } from '../log.ts';
import type { StorageSettings } from './sections.ts';
import type { Refuse } from './translation.ts';

/** As in JSON, or as text: the library that Notary reads its files with takes both. An empty text is as good as none. */
export const notaryText = () =>
  z
    .union([z.string(), z.int()])
    .transform((value) => String(value) || undefined)
    .optional();

export const notaryPath = () =>
  z
    .string()
    .meta({ format: 'path' })
    .transform((path) => path || undefined)
    .optional();

export const notaryStorage = () =>
  z
    .strictObject({
      backend: notaryText(),
      db_url: notaryText(),
      default_alias: notaryText(),
      // of RethinkDB alone
      tls_ca_file: notaryPath(),
      client_cert_file: notaryPath(),
      client_key_file: notaryPath(),
      database: notaryText(),
      username: notaryText(),
      password: notaryText(),
    })
    .prefault({});

type NotaryStorage = z.output<ReturnType<typeof notaryStorage>>;

const RETHINKDB =
  'RethinkDB is not spoken: move the data to postgres or mysql with the tools of Notary, or publish it anew';

/** Checks and translates `storage`. `unsupported` is the original's message for a backend that nobody knows. */
export function storageOfNotary(
  given: NotaryStorage,
  unsupported: (backend: string) => string,
  refuse: Refuse,
): StorageSettings | undefined {
  const { backend, db_url: url } = given;
  switch (backend) {
    case 'memory':
      return { engine: 'memory' };
    case 'rethinkdb':
      refuse(['storage', 'backend'], RETHINKDB);
      return undefined;
    case 'sqlite3':
    case 'mysql':
    case 'postgres':
      if (url === undefined) {
        refuse(['storage', 'db_url'], `must provide a non-empty database source for ${backend}`);
        return undefined;
      }
      if (backend === 'sqlite3') return { engine: 'sqlite', file: url.replace(/^file:/, '').replace(/\?.*$/s, '') };
      if (isDatabaseUrl(backend, url)) return { engine: backend, url };
      refuse(['storage', 'db_url'], `failed to parse the database source for ${backend}`);
      return undefined;
    default:
      refuse(['storage', 'backend'], unsupported(backend ?? ''));
      return undefined;
  }
}

/** A URL, or what the Go drivers take: `user:pw@tcp(host:3306)/db?x=y` for MySQL, `host=… dbname=…` for PostgreSQL. */
function isDatabaseUrl(engine: 'mysql' | 'postgres', url: string): boolean {
  if (engine === 'mysql') return /^mysql:\/\//.test(url) || /\/[^/]*$/.test(url);
  return /^postgres(?:ql)?:\/\//.test(url) || /^\s*\w+\s*=/.test(url);
}

interface NotaryPassedOver {
  readonly storage: NotaryStorage;
  readonly reporting?: NotaryReporting;
}

/** Keys that were given and that nothing obeys: told, and no reason not to start. */
export function notObeyed({ storage, reporting }: NotaryPassedOver): readonly string[] {
  const rethinkOnly = [
    'tls_ca_file',
    'client_cert_file',
    'client_key_file',
    'database',
    'username',
    'password',
  ] as const;
  const passedOver = rethinkOnly
    .filter((key) => storage[key] !== undefined)
    .map((key) => `storage.${key} is of RethinkDB alone and is not obeyed: put it into storage.db_url`);
  if (reporting?.bugsnag === undefined) return passedOver;
  return [...passedOver, 'reporting.bugsnag does nothing here: errors are in the log, and go nowhere else'];
}

/** The address that a service listens on: `http_addr` of the server, `grpc_addr` of the signer. */
export function listenOfNotary(
  kind: 'http' | 'grpc',
  { [`${kind}_addr`]: text }: Readonly<Record<string, string | undefined>>,
  refuse: Refuse,
): Address | undefined {
  const path = ['server', `${kind}_addr`];
  if (text === undefined) {
    refuse(path, `${kind} listen address required for server`);
    return undefined;
  }
  const listen = parseAddress(text);
  if (listen === undefined) refuse(path, 'is no HOST:PORT');
  return listen;
}

/** logrus has more levels; what is quieter than errors says nothing here but why the service could not start. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  panic: 'silent',
  fatal: 'silent',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
};

export const notaryLogging = () => z.strictObject({ level: notaryText() }).prefault({});

/** @returns the level of `logging.level`; Notary's default is `error` */
export function levelOfNotary(given: { readonly level?: string | undefined }, refuse: Refuse): LogLevel {
  const text = given.level ?? 'error';
  const level = Object.hasOwn(LEVELS, text.toLowerCase()) ? LEVELS[text.toLowerCase()] : undefined;
  if (level === undefined) refuse(['logging', 'level'], `not a valid logrus Level: ${JSON.stringify(text)}`);
  return level ?? 'error';
}

export const notaryReporting = () =>
  z
    .strictObject({
      bugsnag: z
        .strictObject({ api_key: notaryText(), release_stage: notaryText(), endpoint: notaryText() })
        .optional(),
    })
    .optional();

type NotaryReporting = z.output<ReturnType<typeof notaryReporting>>;
