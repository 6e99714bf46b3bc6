// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { type CheckResult, databaseAddress, openSecrets, runChecks } from '../../service/config/index.ts';
import { migrateSchemas, pendingSchemas, type SchemaSteps } from '../../service/database/index.ts';
import { keyDatabaseChecks } from '../../signing/key-database/index.ts';
import { SERVICE_KEY_SCHEMA } from '../../signing/service-keys/index.ts';
import type { SignerSettings } from '../config/index.ts';
import { loadSignerTls, type StartContext } from './start-signer.ts';

/** Tries all that a signing service's settings name, and changes nothing. */
export async function checkSigner(
  settings: SignerSettings,
  context: Omit<StartContext, 'auditLog'>,
): Promise<readonly CheckResult[]> {
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
    ...keyDatabaseChecks(settings, context),
  ]);
  const { storage, tls, passphraseFiles } = settings;
  const password = 'passwordFile' in storage ? storage.passwordFile : undefined;
  return [...told, ...found, ...(await openSecrets([tls.key, password, ...Object.values(passphraseFiles)]))];
}

/**
 * Brings a signing service's database up to date.
 * @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function migrateSigner({ storage }: SignerSettings): Promise<readonly SchemaSteps[]> {
  const address = await databaseAddress(storage);
  return address === undefined ? [] : migrateSchemas(address, [SERVICE_KEY_SCHEMA]);
}

/** What {@link migrateSigner} would do. @throws the same, but MigrationError */
export async function pendingOfSigner({ storage }: SignerSettings): Promise<readonly SchemaSteps[]> {
  const address = await databaseAddress(storage);
  return address === undefined ? [] : pendingSchemas(address, [SERVICE_KEY_SCHEMA]);
}
