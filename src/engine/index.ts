// SPDX-License-Identifier: Apache-2.0
/**
 * The Docker engine's API, as far as pulling, pushing, tagging and loading go. It finds the engine that the docker CLI would
 * use. It must never resolve a tag to a digest for anybody: which digest to pull is decided before, and what a push is
 * said to have stored is read back from the registry.
 *
 *     const engine = new EngineClient(await resolveEndpoint({ env: process.env }));
 *     await engine.pull(reference, digest, { onProgress: ({ id, status }) => show(id, status) });
 *     await engine.tag(`${familiarName(reference)}@${digest}`, reference, '1.0');
 *     const { pushed } = await engine.push(reference, '1.0');
 */
export { EngineClient, type EngineImage } from './client.ts';
export { type Endpoint, resolveEndpoint } from './endpoint.ts';
export { EngineError } from './errors.ts';
export { exchange } from './http.ts';
export { registryAuthHeader } from './registry-auth.ts';
