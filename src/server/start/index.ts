// SPDX-License-Identifier: Apache-2.0
/**
 * The whole trust server from its settings: the one place where its parts are put together. It decides nothing that the
 * parts do not.
 *
 *     const { settings } = await loadServerConfig(file, process.env);
 *     const server = await startServer(settings, { env: process.env, clock: () => new Date(), log, version });
 *     await server.stop();
 */

export { checkServer } from './check-server.ts';
export { migrateServer, pendingOfServer } from './schemas.ts';
export { type RunningServer, startServer } from './start-server.ts';
