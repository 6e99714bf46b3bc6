// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import {
  type CheckResult,
  databaseAddress,
  type NamedCheck,
  openSecrets,
  runChecks,
} from '../../service/config/index.ts';
import {
  type DatabaseAddress,
  migrateSchemas,
  pendingSchemas,
  type SchemaSteps,
} from '../../service/database/index.ts';
import { keyDatabaseChecks } from '../../signing/key-database/index.ts';
import { SERVICE_KEY_SCHEMA } from '../../signing/service-keys/index.ts';
import type { SignerKeySettings, SignerSettings } from '../config/index.ts';
import { openKeys } from './open-keys.ts';
import { loadSignerTls, type StartContext } from './start-signer.ts';

type CheckContext = Omit<StartContext, 'auditLog'>;

/** Tries all that a signing service's settings name, and changes nothing. */
export async function checkSigner(settings: SignerSettings, context: CheckContext): Promise<readonly CheckResult[]> {
  const told = settings.warnings.map((detail): CheckResult => ({ check: 'settings', result: 'warning', detail }));
  const found = await runChecks([
    [
      'certificate',
      async () => {
        const { cert } = await loadSignerTls(settings, context.clock());
        const { subject, validToDate } = new X509Certificate(cert);
        return `${subject.replaceAll('\n', ', ')}, until ${validToDate.toISOString().slice(0, 10)}`;
      },
    ],
    ...keyChecks(settings.keys, context),
  ]);
  return [...told, ...found, ...(await openSecrets([settings.tls.key, ...secretsOf(settings.keys)]))];
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

function secretsOf(keys: SignerKeySettings): readonly (string | undefined)[] {
  if (keys.at === 'token') return [keys.pinFile];
  const password = 'passwordFile' in keys.storage ? keys.storage.passwordFile : undefined;
  return [password, ...Object.values(keys.passphraseFiles)];
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
