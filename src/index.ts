// SPDX-License-Identifier: Apache-2.0
/**
 * Hallmark as a library: resolve an image tag to the digest that its publisher signed, on Node or Bun, with nothing but
 * `node:` modules and `fetch`. It publishes as well; command line, servers and engines stay outside.
 *
 *     import { verifyImage } from 'hallmark';
 *     const { digest } = await verifyImage('docker.io/library/alpine:3', { server: 'https://notary.example.com' });
 *
 * A TUF 1.0 repository is read by `TufClient` with `tufV1` (docs/tuf-client.md).
 *
 * Everything that can go wrong is an exported error class: `VerificationError` (not trusted), `DownloadError` (could not be
 * had), `TrustDirectoryError`, `InvalidReferenceError`.
 */
export * from './client/index.ts';
export * from './publisher/index.ts';
export {
  authenticatedFetch,
  gun,
  type ImageReference,
  InvalidReferenceError,
  parseReference,
  RegistryError,
  repositoryScope,
} from './registry/index.ts';
export * from './report/index.ts';
export * from './signing/index.ts';
export {
  dockerTarget,
  type Gun,
  type KeyId,
  MetadataError,
  notaryV1,
  parseGun,
  type RoleName,
  tufV1,
  VerificationError,
} from './tuf/index.ts';
export { type VerifyImageOptions, verifyImage } from './verify-image.ts';
