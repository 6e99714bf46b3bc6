// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../service/index.ts';
import { type KeyContext, type OpenedKeys, openKeyDatabase } from '../../signing/key-database/index.ts';
import { MemoryServiceKeys } from '../../signing/service-keys/index.ts';
import type { KeySettings } from '../config/index.ts';
import { openRemoteKeys } from './remote-keys.ts';

export interface ServerKeys extends OpenedKeys {
  /** Looks at TLS files now, where there are some. */
  reload?(): Promise<void>;
  /** When the certificate ends that the signing service is shown, where there is one. */
  expires?(): Date;
}

/**
 * The keys that settings name. Keys held here are tried at once.
 * @throws SecretFileError, TlsError, DatabaseOpenError, MigrationError, ServiceKeyError, RemoteSignerError `bad-tls`
 */
export async function openKeys(
  settings: KeySettings,
  context: KeyContext & { readonly log: Log },
): Promise<ServerKeys> {
  switch (settings.at) {
    case 'memory':
      return { keys: new MemoryServiceKeys(), check: async () => {}, close: async () => {} };
    case 'database':
      return openKeyDatabase(settings, context);
    case 'signer':
      return openRemoteKeys(settings, context.clock, context.log);
    default:
      return settings satisfies never;
  }
}
