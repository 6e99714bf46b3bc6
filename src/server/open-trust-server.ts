// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Log, readPrivateFile, writePrivateFile } from '../service/index.ts';
import {
  environmentAliasPassphrase,
  MemoryServiceKeys,
  openServiceKeys,
  type ServiceKeys,
} from '../signing/service-keys/index.ts';
import { type Authenticator, openToAll } from './auth/index.ts';
import { createTrustServer, type TrustServer } from './routes.ts';
import { CachedStorage, MemoryStorage, type MetadataStorage, openMetadataStorage } from './storage/index.ts';

export interface OpenTrustServerOptions {
  /** A directory, made when missing and private to its owner; or everything in memory, gone with the process. */
  readonly dataDir: string | 'memory';
  readonly clock: () => Date;
  readonly log: Log;
  /** Where NOTARY_SIGNER_DEFAULT_ALIAS and NOTARY_SIGNER_<ALIAS> are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Who may do what; everybody everything unless given, since this is the server of one machine. */
  readonly auth?: Authenticator;
}

export interface OpenedTrustServer extends TrustServer {
  close(): Promise<void>;
}

/** The passphrase that protects the service keys is not there, though keys may be; `path` says where it should be. */
export class MissingPassphraseError extends Error {
  override readonly name = 'MissingPassphraseError';
  readonly path: string;

  constructor(path: string) {
    super(`service keys exist but their passphrase file is gone: ${path}`);
    this.path = path;
  }
}

/**
 * A whole trust server in one process: metadata in server.db, its own timestamp and snapshot keys, encrypted, in
 * signer.db. The keys' passphrase comes from the environment as for Notary's signer, else from a file beside them.
 * @throws DatabaseOpenError, MigrationError, MissingPassphraseError, ServiceKeyError if the passphrase is another one
 */
export async function openTrustServer(options: OpenTrustServerOptions): Promise<OpenedTrustServer> {
  const opened = options.dataDir === 'memory' ? openInMemory() : await openInDirectory(options.dataDir, options);
  const { clock, log, auth = openToAll } = options;
  const storage = new CachedStorage(opened.storage);
  const { fetch } = createTrustServer({ clock, log, auth, storage, keys: opened.keys });
  return { fetch, close: opened.close };
}

interface Opened {
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  close(): Promise<void>;
}

function openInMemory(): Opened {
  return { storage: new MemoryStorage(), keys: new MemoryServiceKeys(), close: async () => {} };
}

async function openInDirectory(directory: string, options: OpenTrustServerOptions): Promise<Opened> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const alias = await keyAlias(directory, options.env);
  const metadata = await openMetadataStorage({ engine: 'sqlite', url: join(directory, 'server.db') });
  try {
    const address = { engine: 'sqlite', url: join(directory, 'signer.db') } as const;
    const signer = await openServiceKeys(address, { ...alias, now: options.clock });
    const close = async () => {
      await metadata.close();
      await signer.close();
    };
    try {
      await signer.keys.check();
    } catch (error) {
      await signer.close();
      throw error;
    }
    return { storage: metadata.storage, keys: signer.keys, close };
  } catch (error) {
    await metadata.close();
    throw error;
  }
}

/** The alias of keys whose passphrase lies in the data directory. */
const FILE_ALIAS = 'local';

/** Under which alias new keys are encrypted, and where each alias has its passphrase (reference 7.4). */
async function keyAlias(directory: string, env: OpenTrustServerOptions['env']) {
  const fromEnvironment = (alias: string) => environmentAliasPassphrase(env, alias);
  const defaultAlias = env.NOTARY_SIGNER_DEFAULT_ALIAS;
  const path = join(directory, 'signer-passphrase');
  const kept = (await readPrivateFile(path))?.trim();
  if (defaultAlias !== undefined && defaultAlias !== '') {
    return {
      defaultAlias,
      passphrase: (alias: string) => fromEnvironment(alias) ?? (alias === FILE_ALIAS ? kept : undefined),
    };
  }
  const local = kept ?? (await makePassphrase(directory, path));
  const passphrase = (alias: string) => (alias === FILE_ALIAS ? local : fromEnvironment(alias));
  return { defaultAlias: FILE_ALIAS, passphrase };
}

async function makePassphrase(directory: string, path: string): Promise<string> {
  if (await Bun.file(join(directory, 'signer.db')).exists()) throw new MissingPassphraseError(path);
  const passphrase = randomBytes(32).toString('base64url');
  await writePrivateFile(path, `${passphrase}\n`);
  return passphrase;
}
