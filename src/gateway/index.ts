// SPDX-License-Identifier: Apache-2.0
/**
 * The verifying registry: engines that know no content trust pull through it, and get what the policy lets through, by what
 * was signed. It turns requests into decisions of `src/policy` and answers into content that was checked. It never asks a registry
 * what a tag means where the policy is enforced, never asks a host that it was not told of, and never stores what it did not check.
 *
 *     const config = await loadGatewayConfig('/etc/hallmark/gateway.yaml');
 *     const gateway = await openGateway({ config, clock: () => new Date(), log: openLog('info'), credentials });
 *     console.log(gateway.url);
 *     await gateway.stop();
 */
export { BlobCache } from './blob-cache.ts';
export { checkGateway } from './check-gateway.ts';
export { ClosureStore } from './closure.ts';
export { loadGatewayConfig } from './config.ts';
export { ENGINES, type Engine, type EngineConfigOptions, engineConfig } from './engine-config.ts';
export { createGateway, type GatewayOptions } from './gateway.ts';
export type { NameMapping } from './names.ts';
export { openGateway } from './open-gateway.ts';
export { type BlobMode, Upstreams } from './upstreams.ts';
