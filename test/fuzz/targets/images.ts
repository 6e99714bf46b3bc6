// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '../../../src/encoding/index.ts';
import {
  decodeManifest,
  gun,
  InvalidReferenceError,
  MEDIA,
  parseReference,
  RegistryError,
  referencedBy,
  referenceText,
} from '../../../src/registry/index.ts';
import { parseChallenges } from '../../../src/registry/login/auth-challenge.ts';
import { parseGun } from '../../../src/tuf/index.ts';
import { type FuzzTarget, holds } from '../fuzz-target.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const REFERENCES = [
  'alpine',
  'alpine:3.20',
  'user/app:latest',
  'localhost:5000/a/b__c.d:v1.0-x',
  `registry.example.com:443/team/app:1@${DIGEST}`,
  `[fe80::1]:5000/x@${DIGEST}`,
  'docker.io/library/a',
  'index.docker.io/a',
];

function readReference(input: Uint8Array): void {
  const reference = parseReference(new TextDecoder().decode(input));
  const text = referenceText(reference);
  const again = parseReference(text);
  holds(referenceText(again) === text && gun(again) === gun(reference), 'a reference in its normal form means itself');
  // S12: whatever names an image names a place in the trust directory
  if (gun(reference).length <= 255) parseGun(gun(reference));
}

const DESCRIPTOR = { mediaType: MEDIA.dockerLayer ?? 'application/octet-stream', digest: DIGEST, size: 7 };

function manifests(): readonly Uint8Array[] {
  const image = { schemaVersion: 2, mediaType: IMAGE, config: DESCRIPTOR, layers: [DESCRIPTOR, DESCRIPTOR] };
  const platform = { architecture: 'arm64', os: 'linux', variant: 'v8' };
  const manifest = { ...DESCRIPTOR, mediaType: IMAGE, platform };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [manifest], annotations: { a: 'b' } };
  return [image, index].map((document) => encodeUtf8(JSON.stringify(document)));
}

const IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

function readManifest(input: Uint8Array): void {
  const isIndex = Buffer.from(input).includes('"manifests"');
  for (const { digest, size } of referencedBy(decodeManifest(input, isIndex ? INDEX : IMAGE)))
    holds(
      /^sha(?:256|512):[0-9a-f]+$/.test(digest) && Number.isSafeInteger(size) && size >= 0,
      'a descriptor can be checked',
    );
}

const CHALLENGES = [
  'Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull,push"',
  'Basic realm="x", Bearer realm="y\\"z",error=insufficient_scope',
];

export const IMAGE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'image-reference',
    corpus: () => REFERENCES.map(encodeUtf8),
    refusals: [InvalidReferenceError],
    read: readReference,
  },
  { name: 'manifest', corpus: manifests, refusals: [RegistryError], read: readManifest },
  {
    name: 'auth-challenge',
    corpus: () => CHALLENGES.map(encodeUtf8),
    refusals: [RegistryError],
    read: (input) => parseChallenges(new TextDecoder().decode(input)),
  },
];
