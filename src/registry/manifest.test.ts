// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodeUtf8 } from '../encoding/index.ts';
import { digestOf } from './digest.ts';
import { RegistryError } from './errors.ts';
import { decodeManifest, type ImageIndex, MAX_MANIFEST_BYTES, referencedBy, selectPlatform } from './manifest.ts';
import { MEDIA } from './media-types.ts';
import { parsePlatform, platformText } from './platform.ts';

const blob = (mediaType: string, text: string) => ({
  mediaType,
  digest: digestOf(encodeUtf8(text)),
  size: text.length,
});
const config = blob(MEDIA.ociConfig, 'config');
const layer = blob(MEDIA.ociLayer, 'layer');
const image = { schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers: [layer] };
const bytesOf = (value: object) => encodeUtf8(JSON.stringify(value));

function codeOf(body: object | Uint8Array, mediaType: string): string {
  try {
    decodeManifest(body instanceof Uint8Array ? body : bytesOf(body), mediaType);
  } catch (error) {
    expect(error).toBeInstanceOf(RegistryError);
    return (error as RegistryError).code;
  }
  return 'accepted';
}

describe('manifests', () => {
  test('the four kinds are read', () => {
    const manifest = decodeManifest(bytesOf(image), MEDIA.ociManifest);
    expect(manifest).toMatchObject({ kind: 'image', config, layers: [layer] });
    expect(referencedBy(manifest)).toHaveLength(2);
    expect(decodeManifest(bytesOf({ ...image, mediaType: MEDIA.dockerManifest }), MEDIA.dockerManifest).kind).toBe(
      'image',
    );
    const index = { schemaVersion: 2, manifests: [blob(MEDIA.ociManifest, 'm')] };
    expect(decodeManifest(bytesOf(index), MEDIA.ociIndex).kind).toBe('index');
    expect(decodeManifest(bytesOf({ ...index, mediaType: MEDIA.dockerList }), MEDIA.dockerList).kind).toBe('index');
  });

  test('S24 media type confusion: a body that claims another type is refused', () => {
    expect(codeOf(image, MEDIA.ociIndex)).toBe('malformed');
    expect(codeOf(image, MEDIA.dockerManifest)).toBe('malformed');
    const { mediaType: _, ...untyped } = image;
    expect(codeOf(untyped, MEDIA.dockerManifest)).toBe('malformed');
    expect(codeOf(untyped, MEDIA.ociManifest)).toBe('accepted');
  });

  test('S24 a body that is an image and an index at once is refused', () => {
    const both = { ...image, manifests: [] };
    expect(codeOf(both, MEDIA.ociManifest)).toBe('malformed');
    expect(codeOf({ ...both, mediaType: MEDIA.ociIndex }, MEDIA.ociIndex)).toBe('malformed');
    expect(codeOf({ ...image, fsLayers: [] }, MEDIA.ociManifest)).toBe('malformed');
  });

  test('S24 a member in other case, which Go would take for the real one, is refused', () => {
    expect(codeOf({ ...image, Layers: [] }, MEDIA.ociManifest)).toBe('malformed');
    expect(codeOf({ ...image, layerſ: [] }, MEDIA.ociManifest)).toBe('malformed');
    expect(codeOf({ ...image, config: { ...config, Digest: layer.digest } }, MEDIA.ociManifest)).toBe('malformed');
  });

  test('S34 content from foreign urls is refused, an empty list of them is none', () => {
    const foreign = { ...layer, urls: ['http://169.254.169.254/x'] };
    expect(codeOf({ ...image, layers: [foreign] }, MEDIA.ociManifest)).toBe('unsupported');
    expect(codeOf({ ...image, layers: [{ ...layer, urls: [] }] }, MEDIA.ociManifest)).toBe('accepted');
  });

  test('S23 an endless manifest and endless layers are refused', () => {
    expect(codeOf(new Uint8Array(MAX_MANIFEST_BYTES + 1), MEDIA.ociManifest)).toBe('too-large');
    expect(codeOf({ ...image, layers: Array.from({ length: 5000 }, () => layer) }, MEDIA.ociManifest)).toBe(
      'too-large',
    );
  });

  test('S11 duplicate members are refused', () => {
    const twice = encodeUtf8(`{"layers":[],${JSON.stringify(image).slice(1)}`);
    expect(codeOf(twice, MEDIA.ociManifest)).toBe('malformed');
  });

  test.each([
    ['schema 1', image, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'unsupported'],
    ['unknown type', image, 'text/html', 'unsupported'],
    ['schemaVersion 1', { ...image, schemaVersion: 1 }, MEDIA.ociManifest, 'malformed'],
    ['no layers', { ...image, layers: undefined }, MEDIA.ociManifest, 'malformed'],
    ['no config', { ...image, config: undefined }, MEDIA.ociManifest, 'malformed'],
    ['negative size', { ...image, config: { ...config, size: -1 } }, MEDIA.ociManifest, 'malformed'],
    ['fractional size', { ...image, config: { ...config, size: 1.5 } }, MEDIA.ociManifest, 'malformed'],
    ['bad digest', { ...image, config: { ...config, digest: 'sha256:x' } }, MEDIA.ociManifest, 'malformed'],
    ['list in place of an object', [], MEDIA.ociManifest, 'malformed'],
  ])('%s is refused', (_name, body, mediaType, code) => {
    expect(codeOf(body, mediaType)).toBe(code);
  });

  test('S22 whatever the bytes, the answer is a manifest or RegistryError', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.dictionary(fc.constantFrom(...Object.keys(image)), fc.jsonValue()),
        (value, patch) => {
          for (const body of [value, { ...image, ...patch }]) codeOf(bytesOf(body as object), MEDIA.ociManifest);
        },
      ),
    );
  });
});

describe('the platform of an index', () => {
  const entry = (os: string, architecture: string, variant?: string) => ({
    ...blob(MEDIA.ociManifest, `${os}${architecture}${variant}`),
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  });
  const index = (...manifests: object[]): ImageIndex =>
    decodeManifest(bytesOf({ schemaVersion: 2, manifests }), MEDIA.ociIndex) as ImageIndex;
  const selected = (list: ImageIndex, platform: string) => {
    const found = selectPlatform(list, parsePlatform(platform)).platform;
    return found === undefined ? undefined : platformText(found);
  };

  test('exact first, then the nearest older variant, never a newer one', () => {
    const arms = index(
      entry('linux', 'arm', 'v5'),
      entry('linux', 'arm', 'v6'),
      entry('linux', 'amd64'),
      entry('linux', 'arm64', 'v8'),
    );
    expect(selected(arms, 'linux/arm/v7')).toBe('linux/arm/v6');
    expect(selected(arms, 'linux/arm')).toBe('linux/arm/v6');
    expect(selected(arms, 'linux/arm/v5')).toBe('linux/arm/v5');
    expect(selected(arms, 'linux/aarch64')).toBe('linux/arm64/v8');
    expect(selected(arms, 'linux/x86_64')).toBe('linux/amd64');
    expect(selected(arms, 'linux/amd64/v3')).toBe('linux/amd64');
    expect(() => selected(index(entry('linux', 'arm', 'v7')), 'linux/arm/v6')).toThrow(
      'no matching manifest for linux/arm/v6',
    );
  });

  test('an attestation, whose platform is unknown, is never an image', () => {
    expect(() => selected(index(entry('unknown', 'unknown')), 'linux/amd64')).toThrow(RegistryError);
  });

  test.each(['linux', 'linux/', '/amd64', 'a/b/c/d', 'linux/am d64', ''])('%j is no platform', (text) => {
    expect(() => parsePlatform(text)).toThrow(RegistryError);
  });
});
