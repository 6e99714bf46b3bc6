// SPDX-License-Identifier: Apache-2.0
import { openToAll } from '../../src/server/auth/index.ts';
import { settingsOfDataDirectory } from '../../src/server/import/index.ts';
import { CachedStorage, createTrustServer, type TrustServer } from '../../src/server/index.ts';
import { openKeys } from '../../src/server/start/open-keys.ts';
import { openStorage } from '../../src/server/start/open-storage.ts';
import { SILENT_LOG } from '../../src/service/index.ts';

export interface OpenedTrustServer extends Pick<TrustServer, 'fetch'> {
  close(): Promise<void>;
}

/** The trust server of `hallmark up` without its listeners, open to all: over a data directory, or in memory. */
export async function openTrustServer(
  dataDir: string | 'memory',
  clock: () => Date,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<OpenedTrustServer> {
  const inMemory = { storage: { engine: 'memory' }, keys: { at: 'memory' } } as const;
  const settings = dataDir === 'memory' ? inMemory : await settingsOfDataDirectory(dataDir, env);
  await using opening = new AsyncDisposableStack();
  const metadata = await openStorage(settings.storage);
  opening.defer(metadata.close);
  const { keys, close } = await openKeys(settings.keys, { env, clock, log: SILENT_LOG });
  opening.defer(close);
  const storage = new CachedStorage(metadata.storage);
  const { fetch } = createTrustServer({ storage, keys, clock, log: SILENT_LOG, auth: openToAll });
  const closing = opening.move();
  return { fetch, close: () => closing.disposeAsync() };
}
