// SPDX-License-Identifier: Apache-2.0
import { databaseAddress, type NamedCheck, storageChecks, storageSecret } from '../../service/config/index.ts';
import { type DatabaseAddress, openDatabase, pendingSchemas } from '../../service/database/index.ts';
import { SERVICE_KEY_SCHEMA, type ServiceKeyTables, SqlServiceKeys } from '../service-keys/index.ts';
import { type KeyContext, type KeyDatabaseSettings, passphrasesOf } from './open.ts';

/** That the database of keys can be used, and that every key in it can be opened. Nothing is changed. */
export function keyDatabaseChecks(settings: KeyDatabaseSettings, context: KeyContext): readonly NamedCheck[] {
  if (settings.storage.engine === 'memory') return [];
  return [
    ...storageChecks('key database', settings.storage, [SERVICE_KEY_SCHEMA]),
    ['passphrases', () => passphraseCheck(settings, context)],
  ];
}

/** The files of the secrets that settings name. */
export function keyDatabaseSecrets({ storage, passphraseFiles }: KeyDatabaseSettings): readonly (string | undefined)[] {
  return [storageSecret(storage), ...Object.values(passphraseFiles)];
}

async function passphraseCheck(settings: KeyDatabaseSettings, context: KeyContext): Promise<string> {
  const { defaultAlias } = settings;
  const passphrase = await passphrasesOf(settings, context);
  if (passphrase(defaultAlias) === undefined) throw new Error(`no passphrase for key alias ${defaultAlias}`);
  const address = await databaseAddress(settings.storage);
  if (address === undefined || (await isEmpty(address))) return 'no keys yet';
  const opened = await openDatabase<ServiceKeyTables>(address);
  try {
    await new SqlServiceKeys(opened, { defaultAlias, passphrase, now: context.clock }).check();
    return `every alias opens its keys; new ones get ${defaultAlias}`;
  } finally {
    await opened.database.destroy();
  }
}

async function isEmpty(address: DatabaseAddress): Promise<boolean> {
  const pending = await pendingSchemas(address, [SERVICE_KEY_SCHEMA]);
  return pending.some(({ steps }) => steps.length > 0);
}
