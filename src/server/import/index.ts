// SPDX-License-Identifier: Apache-2.0
/**
 * Takes over what another server had: one repository from a copy of its files, or everything from its database. It signs
 * nothing, and stores no file of a copy that did not go through the stages of a client.
 *
 *     const target = await openImportTarget(settings, { env: process.env, clock: () => new Date(), log });
 *     const imported = await importCollection(copy, target);
 *     await target.close();
 */
export { type Imported, importCollection } from './collection.ts';
export { type CopiedDatabase, copyDatabases } from './databases.ts';
export { ImportError } from './errors.ts';
export { type ImportTarget, openImportTarget, settingsOfDataDirectory } from './target.ts';
