// SPDX-License-Identifier: Apache-2.0
import {
  type CheckResult,
  certificateCheck,
  databaseAddress,
  type NamedCheck,
  runChecks,
} from '../../service/config/index.ts';
import {
  type DatabaseAddress,
  migrateSchemas,
  pendingSchemas,
  type SchemaSteps,
} from '../../service/database/index.ts';
import { keyDatabaseChecks, keyDatabaseSecrets } from '../../signing/key-database/index.ts';
import { SERVICE_KEY_SCHEMA } from '../../signing/service-keys/index.ts';
import type { SignerKeySettings, SignerSettings } from '../config/index.ts';
import { openKeys } from './open-keys.ts';
import { loadSignerTls, type StartContext } from './start-signer.ts';

type CheckContext = Omit<StartContext, 'auditLog'>;

/** Tries all that a signing service's settings name, and changes nothing. */
export async function checkSigner(settings: SignerSettings, context: CheckContext): Promise<readonly CheckResult[]> {
  const { tls, keys, warnings } = settings;
  const certificate = certificateCheck(() => loadSignerTls(settings, context.clock()), context.clock());
  const secrets = keys.at === 'token' ? [keys.pinFile] : keyDatabaseSecrets(keys);
  return runChecks({ warnings, checks: [certificate, ...keyChecks(keys, context)], secrets: [tls.key, ...secrets] });
}

function keyChecks(keys: SignerKeySettings, context: CheckContext): readonly NamedCheck[] {
  if (keys.at === 'database') return keyDatabaseChecks(keys, context);
  const look = async () => {
    const opened = await openKeys(keys, context);
    await opened.close();
    return 'is there, and takes the PIN';
  };
  return [['token', look]];
}

/** The database of the keys; none where they are in memory or in a token. */
async function databaseOf({ keys }: SignerSettings): Promise<DatabaseAddress | undefined> {
  return keys.at === 'database' ? databaseAddress(keys.storage) : undefined;
}

/**
 * Brings a signing service's database up to date.
 * @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function migrateSigner(settings: SignerSettings): Promise<readonly SchemaSteps[]> {
  const address = await databaseOf(settings);
  return address === undefined ? [] : migrateSchemas(address, [SERVICE_KEY_SCHEMA]);
}

/** What {@link migrateSigner} would do. @throws the same, but MigrationError */
export async function pendingOfSigner(settings: SignerSettings): Promise<readonly SchemaSteps[]> {
  const address = await databaseOf(settings);
  return address === undefined ? [] : pendingSchemas(address, [SERVICE_KEY_SCHEMA]);
}
