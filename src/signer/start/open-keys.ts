// SPDX-License-Identifier: Apache-2.0
import { readSecretFile } from '../../service/config/index.ts';
import type { Log } from '../../service/index.ts';
import { type KeyContext, type OpenedKeys, openKeyDatabase } from '../../signing/key-database/index.ts';
import { openTokenServiceKeys, parseTokenUri } from '../../signing/pkcs11/index.ts';
import { assertReachable } from '../../signing/service-keys/index.ts';
import type { SignerKeySettings } from '../config/index.ts';

/**
 * The keys that settings name; that the passphrases or the PIN open them is tried at once.
 * @throws SecretFileError, DatabaseOpenError, MigrationError, ServiceKeyError, KeyStoreError
 */
export async function openKeys(
  settings: SignerKeySettings,
  context: KeyContext & { readonly log: Log },
): Promise<OpenedKeys> {
  switch (settings.at) {
    case 'database':
      return openKeyDatabase(settings, context);
    case 'token': {
      const { uri, pinFile } = settings;
      const pin = () => readSecretFile(pinFile);
      const keys = await openTokenServiceKeys(parseTokenUri(uri), {
        pin,
        warn: (message) => context.log.warn({}, message),
      });
      return { keys, check: () => assertReachable(keys), close: async () => {} };
    }
    default:
      return settings satisfies never;
  }
}
