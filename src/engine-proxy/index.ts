// SPDX-License-Identifier: Apache-2.0
/**
 * A Docker API socket before the engine's: pulls of a tag become pulls of the digest that was signed, what is not trusted is
 * not run, and everything else passes byte for byte. The same as an authorization plugin of the engine, which can only refuse.
 * It decides nothing that the policy does not, and a request that could be read in two ways is refused.
 *
 *     const proxy = await startEngineProxy({ policy, endpoint, address: { kind: 'unix', path, mode: 0o660 }, onError });
 *     process.env.DOCKER_HOST = proxy.host;
 */
export { authzPlugin } from './authz.ts';
export type { BuildManner } from './connection.ts';
export { ImageJudge, type Ruling } from './judge.ts';
export { type ProxyAddress, startEngineProxy } from './proxy.ts';
