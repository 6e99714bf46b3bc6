// SPDX-License-Identifier: Apache-2.0
/**
 * Images outside the engine: references, registries, OCI layouts and docker archives. It checks every byte against the
 * digest and length asked for, and believes a registry about nothing but the meaning of a tag. It must never decide
 * whether an image is trusted, and never sends a credential to anybody but the host that it is for.
 *
 *     const reference = parseReference('localhost:5000/app:1');
 *     const client = new RegistryClient({ host: registryHost(reference) });
 *     const { digest } = await client.resolve(reference.path, 'latest');
 *     const layout = new OciLayoutSink('./app');
 *     await pullImage(client, reference, digest, layout);
 */

export { RegistryClient } from './client.ts';
export * from './copy.ts';
export * from './digest.ts';
export { DirectoryRegistryStorage, embeddedRegistry, MemoryRegistryStorage } from './embedded/index.ts';
export * from './errors.ts';
export { DockerArchiveSink, DockerArchiveSource, OciLayoutSink, OciLayoutSource } from './files/index.ts';
export {
  authenticatedFetch,
  type Credentials,
  dockerConfigDirectory,
  dockerCredentials,
  type Environment,
  loadDockerConfig,
  repositoryScope,
} from './login/index.ts';
export * from './manifest.ts';
export * from './media-types.ts';
export { hostPlatform, parsePlatform } from './platform.ts';
export * from './reference.ts';
export { fetchTransport, type TlsOptions, type Transport } from './transport.ts';
