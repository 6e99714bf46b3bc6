// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../../encoding/index.ts';
import { ImageFileError, RegistryError } from '../errors.ts';
import { type Descriptor, decodeManifest, type ImageIndex } from '../manifest.ts';
import { MEDIA } from '../media-types.ts';
import { type ImageReference, referenceText } from '../reference.ts';

/** What OCI tools call an image within a layout: usually the tag. */
const REF_NAME = 'org.opencontainers.image.ref.name';
/** The whole reference, as containerd and Docker write it beside. */
const IMAGE_NAME = 'io.containerd.image.name';

export const LAYOUT_MARKER: Uint8Array = encodeUtf8('{"imageLayoutVersion":"1.0.0"}');

/** An image in `index.json`, under the names that a reference gives it. */
export function namedDescriptor(root: Descriptor, reference: ImageReference): Descriptor {
  const { mediaType, digest, size } = root;
  const names: [string, string][] = [];
  if (reference.tag !== undefined) {
    const { domain, path, tag } = reference;
    names.push([REF_NAME, tag], [IMAGE_NAME, referenceText({ domain, path, tag, tagDefaulted: false })]);
  }
  return { mediaType, digest, size, ...(names.length === 0 ? {} : { annotations: new Map(names) }) };
}

/** @throws ImageFileError `malformed` */
export function decodeLayoutIndex(path: string, bytes: Uint8Array): ImageIndex {
  try {
    const index = decodeManifest(bytes, MEDIA.ociIndex);
    if (index.kind === 'index') return index;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new ImageFileError('malformed', path, `index.json: ${error.message}`, error);
  }
  throw new ImageFileError('malformed', path, 'index.json is no index');
}

export function encodeLayoutIndex(manifests: readonly Descriptor[]): Uint8Array {
  const body = { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: manifests.map(plainDescriptor) };
  return encodeUtf8(JSON.stringify(body));
}

/** The index with one image more; it takes the place of the one that had its name. */
export function withImage(manifests: readonly Descriptor[], added: Descriptor): readonly Descriptor[] {
  const nameOf = ({ annotations }: Descriptor): string | undefined =>
    annotations?.get(IMAGE_NAME) ?? annotations?.get(REF_NAME);
  const name = nameOf(added);
  const others = manifests.filter((one) =>
    name === undefined ? one.digest !== added.digest || nameOf(one) !== undefined : nameOf(one) !== name,
  );
  return [...others, added];
}

/**
 * The image that is meant: by tag, whole reference or digest; without any of them the only one.
 * @throws ImageFileError `not-found` or `ambiguous`
 */
export function selectImage(path: string, index: ImageIndex, wanted: string | undefined): Descriptor {
  const fits = ({ digest, annotations }: Descriptor): boolean =>
    wanted === undefined ||
    digest === wanted ||
    annotations?.get(REF_NAME) === wanted ||
    annotations?.get(IMAGE_NAME) === wanted;
  const found = index.manifests.filter(fits);
  const [only] = found;
  if (only === undefined) {
    throw new ImageFileError('not-found', path, wanted === undefined ? 'holds no image' : `holds no image "${wanted}"`);
  }
  if (found.every(({ digest }) => digest === only.digest)) return only;
  const names = found.map(({ digest, annotations }) => annotations?.get(REF_NAME) ?? digest).slice(0, 5);
  throw new ImageFileError('ambiguous', path, `holds ${found.length} images, name one of them: ${names.join(', ')}`);
}

function plainDescriptor({ mediaType, digest, size, platform, artifactType, annotations }: Descriptor): object {
  const plainPlatform = platform && {
    architecture: platform.architecture,
    os: platform.os,
    'os.version': platform.osVersion,
    variant: platform.variant,
  };
  const plainAnnotations = annotations && Object.fromEntries(annotations);
  return { mediaType, digest, size, artifactType, platform: plainPlatform, annotations: plainAnnotations };
}
