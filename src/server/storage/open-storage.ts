// SPDX-License-Identifier: Apache-2.0
import {
  type DatabaseAddress,
  migrateDatabase,
  type OpenedDatabase,
  openDatabase,
} from '../../service/database/index.ts';
import type { MetadataStorage } from './metadata-storage.ts';
import { MysqlStorage } from './mysql.ts';
import { PostgresStorage } from './postgres.ts';
import { METADATA_SCHEMA, type MetadataTables } from './schema.ts';
import { SqliteStorage } from './sqlite.ts';
import { tellingWhenAway } from './unavailable.ts';

export interface OpenedMetadataStorage {
  readonly storage: MetadataStorage;
  /** For what else a server keeps in the same database. */
  readonly opened: OpenedDatabase<MetadataTables>;
  close(): Promise<void>;
}

/**
 * Metadata in the database at the address, whose tables are brought up to date first; a database of Notary is taken over as
 * it is. @throws DatabaseAddressError, DatabaseOpenError, MigrationError
 */
export async function openMetadataStorage(address: DatabaseAddress): Promise<OpenedMetadataStorage> {
  const opened = await openDatabase<MetadataTables>(address);
  const close = () => opened.database.destroy();
  try {
    await migrateDatabase(opened, METADATA_SCHEMA);
  } catch (error) {
    await close();
    throw error;
  }
  return { storage: storageOn(opened), opened, close };
}

/**
 * Metadata in an open database that has been migrated.
 * @param patience milliseconds before each further attempt to write where a server has gone away
 */
export function storageOn(opened: OpenedDatabase<MetadataTables>, patience?: readonly number[]): MetadataStorage {
  switch (opened.engine) {
    case 'sqlite':
      return new SqliteStorage(opened.database);
    case 'postgres':
      return tellingWhenAway(new PostgresStorage(opened, patience));
    case 'mysql':
      return tellingWhenAway(new MysqlStorage(opened, patience));
    default:
      return opened satisfies never;
  }
}
