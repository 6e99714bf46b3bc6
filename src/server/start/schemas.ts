// SPDX-License-Identifier: Apache-2.0
import { databaseAddress } from '../../service/config/index.ts';
import { COORDINATION_SCHEMA } from '../../service/coordination/index.ts';
import {
  type DatabaseAddress,
  migrateSchemas,
  pendingSchemas,
  type Schema,
  type SchemaSteps,
} from '../../service/database/index.ts';
import { SERVICE_KEY_SCHEMA } from '../../signing/service-keys/index.ts';
import type { ServerSettings } from '../config/index.ts';
import { METADATA_SCHEMA } from '../storage/index.ts';

export const STORAGE_SCHEMAS: readonly Schema[] = [METADATA_SCHEMA, COORDINATION_SCHEMA];

/** The databases of a trust server, with what has to be in each; those in memory have nothing to prepare. */
async function databasesOf({
  storage,
  keys,
}: ServerSettings): Promise<readonly [DatabaseAddress, readonly Schema[]][]> {
  const metadata = await databaseAddress(storage);
  const held = keys.at === 'database' ? await databaseAddress(keys.storage) : undefined;
  const found: [DatabaseAddress, readonly Schema[]][] = [];
  if (metadata !== undefined) found.push([metadata, STORAGE_SCHEMAS]);
  if (held !== undefined) found.push([held, [SERVICE_KEY_SCHEMA]]);
  return found;
}

/**
 * Brings a trust server's databases up to date.
 * @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function migrateServer(settings: ServerSettings): Promise<readonly SchemaSteps[]> {
  const done: SchemaSteps[] = [];
  for (const [address, schemas] of await databasesOf(settings)) done.push(...(await migrateSchemas(address, schemas)));
  return done;
}

/** What {@link migrateServer} would do. @throws the same, but MigrationError */
export async function pendingOfServer(settings: ServerSettings): Promise<readonly SchemaSteps[]> {
  const pending: SchemaSteps[] = [];
  for (const [address, schemas] of await databasesOf(settings)) {
    pending.push(...(await pendingSchemas(address, schemas)));
  }
  return pending;
}
