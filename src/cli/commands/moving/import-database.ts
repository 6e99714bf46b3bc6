// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { loadServerConfig, type ServerSettings } from '../../../server/config/index.ts';
import { type CopiedDatabase, copyDatabases, settingsOfDataDirectory } from '../../../server/import/index.ts';
import { databaseAddress, type StorageSettings } from '../../../service/config/index.ts';
import type { DatabaseAddress } from '../../../service/database/index.ts';
import { loadSignerConfig } from '../../../signer/config/index.ts';
import { type KeyDatabaseSettings, openKeyDatabase } from '../../../signing/key-database/index.ts';
import type { CommandContext } from '../../context.ts';
import type { Io } from '../../io.ts';
import { jsonText } from '../../json-text.ts';
import { UsageError } from '../../usage-error.ts';

interface DatabaseOptions {
  readonly fromConfig: string;
  readonly data?: string;
  readonly config?: string;
  readonly signerConfig?: string;
  readonly toSignerConfig?: string;
}
type Settings = Pick<ServerSettings, 'storage' | 'keys'>;

/** `hallmark import --from-config FILE`: the databases of one server into those of another, whatever their engines. */
export async function importDatabase(context: CommandContext, options: DatabaseOptions): Promise<void> {
  const { io, globals } = context;
  const { settings: source } = await loadServerConfig(options.fromConfig, io.env);
  const target = await targetSettings(io, options);
  const metadata = await addresses(source.storage, target.storage, 'storage');
  const held = await keySettings(io, options, source, target);
  const keys = held && (await addresses(held.from.storage, held.to.storage, 'keys'));
  const copied = await copyDatabases({
    metadata,
    ...(keys === undefined ? {} : { keys }),
    clock: () => io.now(),
    progress: progressTo(io),
  });
  io.stdout.write(globals.json ? jsonText(copied) : words(copied));
  if (held !== undefined) await tryPassphrases(io, held.to, copied);
  if (held === undefined)
    io.stderr.write(
      'Warning: no keys were copied: this server cannot sign for these repositories until --signer-config FILE is imported\n',
    );
}

async function targetSettings(io: Io, { data, config }: DatabaseOptions): Promise<Settings> {
  if ((data === undefined) === (config === undefined))
    throw new UsageError('say where to: --data DIR of hallmark up, or --config FILE of a trust server');
  if (data !== undefined) return settingsOfDataDirectory(resolve(data), io.env);
  return (await loadServerConfig(config ?? '', io.env)).settings;
}

/** The keys that are copied; undefined where the old server has none of its own and no signing service is named. */
async function keySettings(
  io: Io,
  { signerConfig, toSignerConfig }: DatabaseOptions,
  source: Settings,
  target: Settings,
): Promise<{ readonly from: KeyDatabaseSettings; readonly to: KeyDatabaseSettings } | undefined> {
  const from = signerConfig === undefined ? ownKeys(source) : await keysOfSigner(io, signerConfig);
  if (from === undefined) {
    if (toSignerConfig !== undefined) throw new UsageError('--to-signer-config needs --signer-config FILE');
    return undefined;
  }
  const to = toSignerConfig === undefined ? ownKeys(target) : await keysOfSigner(io, toSignerConfig);
  if (to !== undefined) return { from, to };
  throw new UsageError(
    'the new server has its keys at a signing service: name its database with --to-signer-config FILE',
  );
}

function ownKeys({ keys }: Settings): KeyDatabaseSettings | undefined {
  return keys.at === 'database' ? keys : undefined;
}

async function keysOfSigner(io: Io, file: string): Promise<KeyDatabaseSettings> {
  const { keys } = (await loadSignerConfig(file, io.env)).settings;
  if (keys.at === 'database') return keys;
  throw new UsageError(`${file}: its keys are in a token, which does not give them out`);
}

async function addresses(from: StorageSettings, to: StorageSettings, what: string) {
  const [source, target]: readonly (DatabaseAddress | undefined)[] = [
    await databaseAddress(from),
    await databaseAddress(to),
  ];
  if (source === undefined || target === undefined)
    throw new UsageError(`${what}: what is in memory can be neither copied nor kept`);
  if (source.engine === target.engine && source.url === target.url)
    throw new UsageError(
      `${what}: both configurations name one database; to take it over in place, start the server on it`,
    );
  return { from: source, to: target };
}

const STEP = 1000;

function progressTo(io: Io): (table: string, done: number, total: number) => void {
  let next = STEP;
  let current = '';
  return (table, done, total) => {
    if (table !== current) [current, next] = [table, STEP];
    if (done < next && done < total) return;
    next = done + STEP;
    io.stderr.write(`${table}: ${done} of ${total}\n`);
  };
}

function words({ metadata, keys, aliases }: CopiedDatabase): string {
  const lines = [...metadata, ...keys].map(
    ({ name, rows, copied, sha256 }) => `${name}: ${rows} rows, ${copied} copied now, all compared (sha256 ${sha256})`,
  );
  if (aliases.length > 0) lines.push(`passphrases of keys: ${aliases.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

/** The keys are copied as they are encrypted; whether the new service can open them shows now and not at a publish. */
async function tryPassphrases(io: Io, to: KeyDatabaseSettings, { aliases }: CopiedDatabase): Promise<void> {
  try {
    const opened = await openKeyDatabase(to, { env: io.env, clock: () => io.now() });
    await opened.close();
    io.stderr.write('every key alias opens its keys\n');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const names = aliases.map((alias) => `NOTARY_SIGNER_${alias.toUpperCase()}`).join(', ');
    io.stderr.write(`Warning: the service that holds the keys will not start yet: ${reason}; it needs ${names}\n`);
  }
}
