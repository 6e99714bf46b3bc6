// SPDX-License-Identifier: Apache-2.0
/**
 * The trust server: Notary's HTTP API over verified metadata. It believes no upload: what it stores has gone through the
 * stages of a client. It never holds a root, targets or delegation key.
 *
 *     const { storage, close } = await openMetadataStorage({ engine: 'sqlite', url: '/var/lib/hallmark/server.db' });
 *     const server = createTrustServer({ storage: new CachedStorage(storage), keys, clock: () => new Date(), log, auth });
 *     const listener = listen({ fetch: server.fetch, tls: identity, hostname: '127.0.0.1', port: 4443 });
 *     await listener.stop();
 *     await close();
 */
export { prepareDataDirectory } from './data-directory.ts';
export { lockDataDirectory } from './data-directory-lock.ts';
export { DEFAULT_CACHE_AGES } from './responses.ts';
export { createTrustServer, type TrustServer, type TrustServerOptions } from './routes.ts';
export { CachedStorage, MemoryStorage, type MetadataStorage, openMetadataStorage } from './storage/index.ts';
