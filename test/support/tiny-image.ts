// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

function digestOf(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/**
 * Puts an image without layers into a registry that asks for no login, over plain HTTP.
 * @returns the digest of its manifest
 */
export async function pushTinyImage(registryHost: string, repository: string, tag: string): Promise<string> {
  const base = `http://${registryHost}/v2/${repository}`;
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', comment: `${repository}:${tag}` });
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const place = new URL(started.headers.get('location') ?? '', base);
  place.searchParams.set('digest', digestOf(config));
  await fetch(place, { method: 'PUT', body: config });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: digestOf(config), size: config.length },
    layers: [],
  });
  const headers = { 'content-type': MANIFEST };
  const put = await fetch(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: manifest });
  if (put.status !== 201) throw new Error(`the registry answered ${put.status} to the manifest`);
  return digestOf(manifest);
}
