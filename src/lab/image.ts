// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { encodeUtf8 } from '../encoding/index.ts';
import { type Digest, digestHex, digestOf, hostPlatform } from '../registry/index.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Writes an OCI image layout with one image of one layer, which holds one file. @returns the manifest's digest */
export async function writeImage(directory: string, greeting: string): Promise<Digest> {
  const content = encodeUtf8(`${greeting}\n`);
  const tar = await packTar([
    {
      header: { name: 'greeting.txt', size: content.length, mode: 0o644, mtime: new Date(0), type: 'file' },
      body: content,
    },
  ]);
  const layer = new Uint8Array(gzipSync(tar));
  const { os, architecture } = hostPlatform();
  const config = json({
    architecture,
    os,
    config: { Cmd: ['/greeting.txt'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
  });
  mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true });
  for (const blob of [layer, config, manifest])
    writeFileSync(join(directory, 'blobs', 'sha256', digestHex(digestOf(blob))), blob);
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, 'index.json'), json({ schemaVersion: 2, manifests: [descriptor(MANIFEST, manifest)] }));
  return digestOf(manifest);
}

function json(value: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(value));
}

function descriptor(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
