// SPDX-License-Identifier: Apache-2.0
/**
 * The trust server: Notary's HTTP API over verified metadata. It believes no upload: what it stores has gone through the
 * stages of a client. It never holds a root, targets or delegation key.
 *
 *     const server = await openTrustServer({ dataDir: '/var/lib/hallmark', clock: () => new Date(), log, env });
 *     const listener = listen({ fetch: server.fetch, tls: identity, hostname: '127.0.0.1', port: 4443 });
 *     await listener.stop();
 *     await server.close();
 */
export type { Actor } from './actor.ts';
export { GunPrefixError } from './gun-prefixes.ts';
export { DEFAULT_LIMITS, type UpdateLimits } from './limits.ts';
export {
  MissingPassphraseError,
  type OpenedTrustServer,
  type OpenTrustServerOptions,
  openTrustServer,
} from './open-trust-server.ts';
export type { CacheAges } from './responses.ts';
export { createTrustServer, type TrustServer, type TrustServerOptions } from './routes.ts';
export {
  type AuditAction,
  type AuditDetail,
  type AuditEntry,
  type AuditQuery,
  type AuditRecord,
  CachedStorage,
  type Change,
  type ChangeContext,
  type ChangeQuery,
  type CommitContext,
  ConflictError,
  type ExpiringFile,
  type ExpiryQuery,
  MemoryStorage,
  type MetadataStorage,
  migrateMetadata,
  type OpenedMetadataStorage,
  OutcomeUnknownError,
  openMetadataStorage,
  type StoredFile,
  UnstorableNameError,
  type VerifiedFile,
} from './storage/index.ts';
