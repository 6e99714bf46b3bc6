// SPDX-License-Identifier: Apache-2.0
import {
  aliasPassphrases,
  databaseAddress,
  type Environment,
  type StorageSettings,
} from '../../service/config/index.ts';
import type { DatabaseAddress } from '../../service/database/index.ts';
import {
  assertReachable,
  environmentAliasPassphrase,
  MemoryServiceKeys,
  type OpenedServiceKeys,
  openServiceKeys,
  type ServiceKeys,
} from '../service-keys/index.ts';

/** Where a service's own keys are kept, and what opens them. */
export interface KeyDatabaseSettings {
  readonly storage: StorageSettings;
  /** Under whose passphrase new keys are encrypted. */
  readonly defaultAlias: string;
  /** Files of passphrases by alias; those that are not named come from `NOTARY_SIGNER_<ALIAS>`. */
  readonly passphraseFiles: Readonly<Record<string, string>>;
}

export interface KeyContext {
  readonly env: Environment;
  readonly clock: () => Date;
}

export interface OpenedKeys {
  readonly keys: ServiceKeys;
  /** That keys can be had now. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The keys that settings name; that the passphrases open them is tried at once.
 * @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError, ServiceKeyError
 */
export async function openKeyDatabase(settings: KeyDatabaseSettings, context: KeyContext): Promise<OpenedKeys> {
  const address = await databaseAddress(settings.storage);
  if (address === undefined) return { keys: new MemoryServiceKeys(), check: async () => {}, close: async () => {} };
  const { keys, close } = await openUntried(address, settings, context);
  try {
    await keys.check();
  } catch (error) {
    await close();
    throw error;
  }
  return { keys, check: () => assertReachable(keys), close };
}

/**
 * The same keys for whoever has to do with the passphrases themselves; whether they open anything is not tried.
 * @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError; undefined for keys in memory
 */
export async function openUntriedKeys(
  settings: KeyDatabaseSettings,
  context: KeyContext,
): Promise<OpenedServiceKeys | undefined> {
  const address = await databaseAddress(settings.storage);
  return address && openUntried(address, settings, context);
}

async function openUntried(address: DatabaseAddress, settings: KeyDatabaseSettings, context: KeyContext) {
  const passphrase = await passphrasesOf(settings, context);
  return openServiceKeys(address, { defaultAlias: settings.defaultAlias, passphrase, now: context.clock });
}

/** @throws SecretFileError */
export function passphrasesOf({ passphraseFiles }: KeyDatabaseSettings, { env }: KeyContext) {
  return aliasPassphrases(passphraseFiles, (alias) => environmentAliasPassphrase(env, alias));
}
