// SPDX-License-Identifier: Apache-2.0
/**
 * A small OCI registry: for `hallmark up`, the lab, the demonstration and tests. It checks every digest and that a
 * manifest's parts are there. It knows no users and no trust: it must never be the reason to believe anything.
 *
 *     const registry = embeddedRegistry(new DirectoryRegistryStorage('/var/lib/hallmark/registry'));
 *     const response = await registry.fetch(new Request('http://localhost/v2/'));
 */
export { embeddedRegistry } from './app.ts';
export { DirectoryRegistryStorage } from './directory-storage.ts';
export { MemoryRegistryStorage } from './memory-storage.ts';
