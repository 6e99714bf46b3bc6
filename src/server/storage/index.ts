// SPDX-License-Identifier: Apache-2.0
/**
 * Where the trust server keeps metadata: one contract, an implementation per engine, a cache in front. It takes only
 * files that were verified, and believes nothing that they say.
 *
 *     const { storage, close } = await openMetadataStorage({ engine: 'postgres', url: 'postgres://me@db/trust' });
 *     const cached = new CachedStorage(storage);
 *     const root = await cached.current(gun, ROOT);
 *     await close();
 */
export type { AuditAction, AuditDetail, AuditEntry, AuditQuery, AuditRecord } from './audit.ts';
export { CachedStorage, type CacheStatistics, type StorageCacheOptions } from './cached.ts';
export type {
  CollectionQuery,
  CollectionScope,
  HistoryEntry,
  HistoryQuery,
  ListedCollection,
} from './listing.ts';
export { MemoryStorage } from './memory.ts';
export {
  type BackfillProgress,
  type BackfillRequest,
  type Change,
  type ChangeContext,
  type ChangeQuery,
  type CommitContext,
  ConflictError,
  type ExpiringFile,
  type ExpiryQuery,
  type FileHead,
  type MetadataFile,
  type MetadataStorage,
  OutcomeUnknownError,
  STORAGE_CALLS,
  type StoredFile,
  UnstorableNameError,
  type VerifiedFile,
} from './metadata-storage.ts';
export { type OpenedMetadataStorage, openMetadataStorage } from './open-storage.ts';
export { METADATA_SCHEMA, type MetadataTables } from './schema.ts';
