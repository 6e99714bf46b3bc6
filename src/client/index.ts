// SPDX-License-Identifier: Apache-2.0
/**
 * A verifying client: brings a repository's metadata up to date, keeps it in Docker's own trust directory, and resolves
 * a tag to the digest that was signed. It believes nothing that it fetched, and holds no private key.
 *
 *     const repository = await new Updater({
 *       gun, dialect: notaryV1, fetcher: new HttpFetcher({ server }), cache: new DirectoryMetadataCache(dir),
 *       marks: new DirectoryHighWaterMarks(dir), pinning: { trustOnFirstUse: true }, now: new Date(),
 *     }).refresh();
 *     resolveTag(repository, 'latest').digest;
 */

export { RELEASES } from '../tuf/index.ts';
export { type Collection, type CollectionOptions, fetchCollection } from './collection.ts';
export * from './collection-directory.ts';
export * from './errors.ts';
export * from './exchange.ts';
export * from './fetcher.ts';
export * from './high-water-marks.ts';
export * from './import-trust-directory.ts';
export * from './metadata-cache.ts';
export * from './pin-changes.ts';
export * from './pin-file.ts';
export * from './pinning.ts';
export * from './resolve.ts';
export * from './target-directory.ts';
export * from './trusted-files.ts';
export * from './tuf-client.ts';
export * from './tuf-repository.ts';
export * from './updater.ts';
