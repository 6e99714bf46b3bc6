// SPDX-License-Identifier: Apache-2.0

/** The media types of manifests and of what they name. */
export const MEDIA = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerTar: 'application/vnd.oci.image.layer.v1.tar',
} as const;

/** Docker's schema 1: no digest of it means what it seems to, so it is named only to be refused. */
const SCHEMA1 = /^application\/(?:vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)|json)$/;

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA.dockerList || mediaType === MEDIA.ociIndex;
}

export function isImageType(mediaType: string): boolean {
  return mediaType === MEDIA.dockerManifest || mediaType === MEDIA.ociManifest;
}

export function isManifestType(mediaType: string): boolean {
  return isIndexType(mediaType) || isImageType(mediaType);
}

export function isSchema1Type(mediaType: string): boolean {
  return SCHEMA1.test(mediaType);
}

/** What a client is ready to read, for an `Accept` header. */
export const ACCEPT_MANIFESTS = [MEDIA.ociIndex, MEDIA.dockerList, MEDIA.ociManifest, MEDIA.dockerManifest].join(', ');

/** The bare media type of a `Content-Type` header. */
export function bareMediaType(header: string | null): string | undefined {
  const bare = header?.split(';', 1)[0]?.trim().toLowerCase();
  return bare === '' ? undefined : bare;
}
