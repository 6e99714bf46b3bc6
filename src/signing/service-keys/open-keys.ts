// SPDX-License-Identifier: Apache-2.0
import { type DatabaseAddress, migrateDatabase, openDatabase } from '../../service/database/index.ts';
import { SERVICE_KEY_SCHEMA, type ServiceKeyTables } from './schema.ts';
import { SqlServiceKeys, type SqlServiceKeysOptions } from './sql-keys.ts';

export interface OpenedServiceKeys {
  readonly keys: SqlServiceKeys;
  close(): Promise<void>;
}

/**
 * The service keys in the database at the address, whose table is made when missing; one of Notary's signer is taken over as
 * it is. That the passphrases are right is told by {@link SqlServiceKeys.check}.
 * @throws DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function openServiceKeys(
  address: DatabaseAddress,
  options: SqlServiceKeysOptions,
): Promise<OpenedServiceKeys> {
  const opened = await openDatabase<ServiceKeyTables>(address);
  const close = () => opened.database.destroy();
  try {
    await migrateDatabase(opened, SERVICE_KEY_SCHEMA);
  } catch (error) {
    await close();
    throw error;
  }
  return { keys: new SqlServiceKeys(opened, options), close };
}
