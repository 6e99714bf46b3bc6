// SPDX-License-Identifier: Apache-2.0
/**
 * The whole signing service from its settings: the one place where its parts are put together. It decides nothing that
 * the parts do not.
 *
 *     const { settings } = await loadSignerConfig(file, process.env);
 *     const signer = await startSigner(settings, { env: process.env, clock: () => new Date(), log, auditLog });
 *     await signer.stop();
 */
export { checkSigner, migrateSigner, pendingOfSigner } from './check-signer.ts';
export { startSigner } from './start-signer.ts';
