// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../service/index.ts';
import { openKeyDatabase } from '../signing/key-database/index.ts';
import { MemoryServiceKeys, type ServiceKeys } from '../signing/service-keys/index.ts';
import { type Authenticator, openToAll } from './auth/index.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { createTrustServer, type TrustServer } from './routes.ts';
import { openStorage } from './start/open-storage.ts';
import { CachedStorage, MemoryStorage, type MetadataStorage } from './storage/index.ts';

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

export interface OpenedTrustServer extends Pick<TrustServer, 'fetch'> {
  close(): Promise<void>;
}

/**
 * The trust server over a data directory (`prepareDataDirectory`), without listeners and without what `startServer` does
 * beside requests.
 * @throws DatabaseOpenError, MigrationError, MissingPassphraseError, ServiceKeyError if the passphrase is another one
 */
export async function openTrustServer(options: OpenTrustServerOptions): Promise<OpenedTrustServer> {
  const opened = options.dataDir === 'memory' ? openInMemory() : await openInDirectory(options.dataDir, options);
  const { clock, log, auth = openToAll } = options;
  const storage = new CachedStorage(opened.storage);
  return { ...createTrustServer({ clock, log, auth, storage, keys: opened.keys }), close: opened.close };
}

interface Opened {
  readonly storage: MetadataStorage;
  readonly keys: ServiceKeys;
  close(): Promise<void>;
}

function openInMemory(): Opened {
  return { storage: new MemoryStorage(), keys: new MemoryServiceKeys(), close: async () => {} };
}

async function openInDirectory(directory: string, { env, clock }: OpenTrustServerOptions): Promise<Opened> {
  const data = await prepareDataDirectory(directory, env);
  const metadata = await openStorage(data.storage);
  try {
    const held = await openKeyDatabase(data.keys, { env, clock });
    const close = async () => {
      await metadata.close();
      await held.close();
    };
    return { storage: metadata.storage, keys: held.keys, close };
  } catch (error) {
    await metadata.close();
    throw error;
  }
}
