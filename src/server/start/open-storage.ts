// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { databaseAddress, type StorageSettings } from '../../service/config/index.ts';
import {
  COORDINATION_SCHEMA,
  type Coordination,
  type CoordinationTables,
  MemoryCoordination,
  SqlCoordination,
} from '../../service/coordination/index.ts';
import { migrateDatabase, type OpenedDatabase } from '../../service/database/index.ts';
import { MemoryStorage, type MetadataStorage, openMetadataStorage } from '../storage/index.ts';

export interface OpenedStorage {
  readonly storage: MetadataStorage;
  /** What replicas share beside metadata; in the same database. */
  readonly coordination: Coordination;
  close(): Promise<void>;
}

/**
 * Metadata where settings say. Tables that are missing or old are brought up to date, where the database's user may do so.
 * @throws SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function openStorage(settings: StorageSettings): Promise<OpenedStorage> {
  const address = await databaseAddress(settings);
  if (address === undefined) {
    return { storage: new MemoryStorage(), coordination: new MemoryCoordination(), close: async () => {} };
  }
  const { storage, opened, close } = await openMetadataStorage(address);
  try {
    const shared = opened as unknown as OpenedDatabase<CoordinationTables>;
    await migrateDatabase(shared, COORDINATION_SCHEMA);
    const coordination = new SqlCoordination(shared.database as Kysely<CoordinationTables>);
    return { storage, coordination, close };
  } catch (error) {
    await close();
    throw error;
  }
}
