// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../service/index.ts';
import type { ServiceKeys } from '../../signing/service-keys/index.ts';
import type { ServerSettings } from '../config/index.ts';
import { prepareDataDirectory } from '../data-directory.ts';
import { openKeys } from '../start/open-keys.ts';
import { openStorage } from '../start/open-storage.ts';
import type { MetadataStorage } from '../storage/index.ts';

/** The server that takes something over: what it has, and what it signs with. It may run meanwhile. */
export interface ImportTarget {
  readonly storage: MetadataStorage;
  readonly keys: Pick<ServiceKeys, 'info'>;
  readonly prefixes: readonly string[];
  readonly clock: () => Date;
  close(): Promise<void>;
}

export interface ImportContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: () => Date;
  readonly log: Log;
}

type TargetSettings = Pick<ServerSettings, 'storage' | 'keys' | 'gunPrefixes'>;

/** The settings of `hallmark up` over its data directory, which is made when missing. @throws MissingPassphraseError */
export async function settingsOfDataDirectory(directory: string, env: ImportContext['env']): Promise<TargetSettings> {
  const { storage, keys } = await prepareDataDirectory(directory, env);
  return { storage, keys: { at: 'database', ...keys }, gunPrefixes: [] };
}

/** @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError, ServiceKeyError, TlsError */
export async function openImportTarget(settings: TargetSettings, context: ImportContext): Promise<ImportTarget> {
  const metadata = await openStorage(settings.storage);
  try {
    const held = await openKeys(settings.keys, context);
    const close = async () => {
      await metadata.close();
      await held.close();
    };
    return { storage: metadata.storage, keys: held.keys, prefixes: settings.gunPrefixes, clock: context.clock, close };
  } catch (error) {
    await metadata.close();
    throw error;
  }
}
