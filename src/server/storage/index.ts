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
export type { AuditDetail, AuditEntry } from './audit.ts';
export { CachedStorage, type CacheStatistics } from './cached.ts';
export { MemoryStorage } from './memory.ts';
export {
  type BackfillRequest,
  type ChangeQuery,
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
export { openMetadataStorage } from './open-storage.ts';
export { METADATA_SCHEMA } from './schema.ts';
