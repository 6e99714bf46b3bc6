// SPDX-License-Identifier: Apache-2.0
/**
 * A service's own keys from its settings: where they are kept and what opens them. It signs nothing, and decides nothing.
 *
 *     const { keys, close } = await openKeyDatabase(settings, { env: process.env, clock: () => new Date() });
 *     await close();
 */
export { keyDatabaseChecks, keyDatabaseSecrets } from './checks.ts';
export {
  type KeyContext,
  type KeyDatabaseSettings,
  type OpenedKeys,
  openKeyDatabase,
  openUntriedKeys,
} from './open.ts';
