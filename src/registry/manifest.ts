// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeJsonObject, type JsonObject, type JsonValue } from '../encoding/index.ts';
import { type Digest, isDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { isImageType, isIndexType, isManifestType, isSchema1Type, MEDIA } from './media-types.ts';
import { type Platform, platformRank, platformText } from './platform.ts';

/** Names content by digest, length and type; all three are checked wherever the content is read (S24). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly annotations?: ReadonlyMap<string, string>;
}

interface ManifestBase {
  readonly mediaType: string;
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations?: ReadonlyMap<string, string>;
}

/** One image for one platform (or an artifact in the same form). */
export interface ImageManifest extends ManifestBase {
  readonly kind: 'image';
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A manifest list or index: one image per platform. */
export interface ImageIndex extends ManifestBase {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

export type Manifest = ImageManifest | ImageIndex;

/** Bytes of a manifest, at most: the limit that registries and engines share (S23). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_DESCRIPTORS = 4096;
const MEMBERS = [
  'schemaVersion',
  'mediaType',
  'config',
  'layers',
  'manifests',
  'subject',
  'artifactType',
  'annotations',
];
const DESCRIPTOR_MEMBERS = ['mediaType', 'digest', 'size', 'urls', 'platform'];

/**
 * Reads a manifest of the given media type (from `Content-Type` or from the descriptor that named it).
 *
 * What Go's engines would read in another way is refused: a body that claims another type, both `layers` and
 * `manifests`, a member spelled in other case (S24, manifest type confusion), and descriptors with `urls`, whose
 * content would come from wherever the image says (S34).
 * @throws RegistryError `malformed`, `unsupported` or `too-large`
 */
export function decodeManifest(bytes: Uint8Array, mediaType: string): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new RegistryError('too-large', `manifest of ${bytes.length} bytes, more than ${MAX_MANIFEST_BYTES}`);
  }
  if (isSchema1Type(mediaType)) throw new RegistryError('unsupported', 'manifest of schema version 1');
  if (!isManifestType(mediaType)) {
    throw new RegistryError('unsupported', `manifest of unknown media type "${mediaType.slice(0, 128)}"`);
  }
  const body = decodeObject(bytes);
  requireForm(body, mediaType);
  const base = { mediaType, ...optional('subject', body.get('subject'), descriptorOf), ...metadataOf(body) };
  if (isIndexType(mediaType)) return { kind: 'index', ...base, manifests: listOf(body, 'manifests') };
  return { kind: 'image', ...base, config: descriptorOf(body.get('config'), 'config'), layers: listOf(body, 'layers') };
}

/** Every blob and manifest that a manifest needs to be complete; `subject` is a link, not a need. */
export function referencedBy(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers];
}

/**
 * The image of an index for one platform: the exact one, else the best that runs there, else the first of its equals.
 * @throws RegistryError `not-found`, with Docker's message
 */
export function selectPlatform(index: ImageIndex, wanted: Platform): Descriptor {
  let best: { readonly descriptor: Descriptor; readonly rank: number } | undefined;
  for (const descriptor of index.manifests) {
    const rank = descriptor.platform === undefined ? undefined : platformRank(wanted, descriptor.platform);
    if (rank !== undefined && isImageType(descriptor.mediaType) && (best === undefined || rank < best.rank)) {
      best = { descriptor, rank };
    }
  }
  if (best !== undefined) return best.descriptor;
  throw new RegistryError('not-found', `no matching manifest for ${platformText(wanted)} in the manifest list entries`);
}

function decodeObject(bytes: Uint8Array): JsonObject {
  try {
    return decodeJsonObject(bytes, { depth: 32, values: 200_000 });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RegistryError('malformed', `manifest: ${error.message}`, { cause: error });
  }
}

function requireForm(body: JsonObject, mediaType: string): void {
  requireSpelling(body, MEMBERS);
  if (body.get('schemaVersion') !== 2) throw malformed('schemaVersion is not 2');
  const claimed = body.get('mediaType');
  const mayBeAbsent = mediaType === MEDIA.ociManifest || mediaType === MEDIA.ociIndex;
  if (claimed !== mediaType && !(claimed === undefined && mayBeAbsent)) {
    throw malformed(`mediaType in the body is not ${mediaType}`);
  }
  const strange = isIndexType(mediaType) ? ['layers', 'config'] : ['manifests'];
  const found = [...strange, 'fsLayers'].find((member) => body.has(member));
  if (found !== undefined) throw malformed(`"${found}" in a manifest of type ${mediaType}`);
}

/** Go matches members without regard to case, so "Layers" would be layers to an engine and nothing to us. */
function requireSpelling(object: JsonObject, members: readonly string[]): void {
  const fold = (text: string): string => text.toUpperCase().toLowerCase();
  for (const key of object.keys()) {
    const member = members.find((name) => fold(name) === fold(key));
    if (member !== undefined && member !== key) throw malformed(`member "${key}" in unusual spelling`);
  }
}

function listOf(body: JsonObject, member: string): readonly Descriptor[] {
  const list = body.get(member);
  if (!Array.isArray(list)) throw malformed(`"${member}" is not a list`);
  if (list.length > MAX_DESCRIPTORS) throw new RegistryError('too-large', `manifest with ${list.length} ${member}`);
  return list.map((value: JsonValue, at) => descriptorOf(value, `${member}[${at}]`));
}

function descriptorOf(value: JsonValue | undefined, where: string): Descriptor {
  if (!(value instanceof Map)) throw malformed(`"${where}" is not a descriptor`);
  const object: JsonObject = value;
  requireSpelling(object, DESCRIPTOR_MEMBERS);
  const mediaType = object.get('mediaType');
  const digest = object.get('digest');
  const size = object.get('size');
  if (typeof mediaType !== 'string' || mediaType.length > 255) throw malformed(`"${where}" without media type`);
  if (typeof digest !== 'string' || !isDigest(digest)) throw malformed(`"${where}" without a digest`);
  if (typeof size !== 'number' || size < 0) throw malformed(`"${where}" without a size`);
  const urls = object.get('urls');
  if (urls !== undefined && !(Array.isArray(urls) && urls.length === 0)) {
    throw new RegistryError('unsupported', `manifest: "${where}" wants its content fetched from foreign urls`);
  }
  return {
    mediaType,
    digest,
    size,
    ...optional('platform', object.get('platform'), platformOf),
    ...metadataOf(object),
  };
}

function platformOf(value: JsonValue): Platform {
  if (!(value instanceof Map)) throw malformed('platform is not an object');
  const member = (name: string): string | undefined => {
    const text = (value as JsonObject).get(name);
    if (text !== undefined && (typeof text !== 'string' || text.length > 128))
      throw malformed(`platform with a bad ${name}`);
    return text === '' ? undefined : text;
  };
  const variant = member('variant');
  const osVersion = member('os.version');
  return {
    os: member('os') ?? 'unknown',
    architecture: member('architecture') ?? 'unknown',
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

function metadataOf(object: JsonObject): { artifactType?: string; annotations?: ReadonlyMap<string, string> } {
  return {
    ...optional('artifactType', object.get('artifactType'), (value) => {
      if (typeof value !== 'string' || value.length > 255) throw malformed('artifactType is not a text');
      return value;
    }),
    ...optional('annotations', object.get('annotations'), (value) => {
      if (!(value instanceof Map) || ![...value.values()].every((text) => typeof text === 'string')) {
        throw malformed('annotations are not texts');
      }
      return value as ReadonlyMap<string, string>;
    }),
  };
}

function optional<K extends string, T>(
  key: K,
  value: JsonValue | undefined,
  read: (value: JsonValue, where: string) => T,
): { [P in K]?: T } {
  // null is how Go writes an absent pointer or map
  return value === undefined || value === null ? {} : ({ [key]: read(value, key) } as { [P in K]?: T });
}

function malformed(what: string): RegistryError {
  return new RegistryError('malformed', `manifest: ${what}`);
}
