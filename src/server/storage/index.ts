// SPDX-License-Identifier: Apache-2.0
/**
 * Where the trust server keeps metadata: one contract, an implementation per engine, a cache in front. It takes only
 * files that were verified, and never looks into them.
 *
 *     const database = openSqlite<MetadataTables>('/var/lib/hallmark/server.db');
 *     await migrateMetadata(database);
 *     const storage = new CachedStorage(new SqliteStorage(database));
 *     const root = await storage.current(gun, ROOT);
 */
export { CachedStorage, type CacheStatistics, type StorageCacheOptions } from './cached.ts';
export { MemoryStorage } from './memory.ts';
export {
  type Change,
  type ChangeQuery,
  ConflictError,
  type MetadataFile,
  type MetadataStorage,
  type StoredFile,
  type VerifiedFile,
} from './metadata-storage.ts';
export { type MetadataTables, MigrationError, migrateMetadata } from './schema.ts';
export { SqliteStorage } from './sqlite.ts';
