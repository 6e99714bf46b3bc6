// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureOwnTls } from '../../src/service/index.ts';
import { sha256Hex } from '../../src/tuf/index.ts';
import { hallmark, program } from './programs.ts';
import type { RunningServer } from './servers.ts';
import { freePort, type Workspace } from './workspace.ts';

export const REPOSITORY = 'bench/app';
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Debian's docker-registry over TLS, and a way to speak with it. */
export interface Registry extends RunningServer {
  /** As it stands in image names. */
  readonly name: string;
}

export async function startRegistry(workspace: Workspace): Promise<Registry> {
  const directory = workspace.makeDirectory('registry');
  const { caFile, certFile, keyFile } = await ensureOwnTls(directory, [], new Date());
  const port = freePort();
  const config = join(directory, 'config.yml');
  const settings = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: `127.0.0.1:${port}`, tls: { certificate: certFile, key: keyFile } },
  };
  // JSON is YAML
  writeFileSync(config, JSON.stringify(settings));
  const pid = await workspace.start([program('docker-registry'), 'serve', config], port, directory);
  return { ...running(port, caFile, pid), name: `localhost:${port}` };
}

/** `hallmark gateway` before a registry, by the trust of a server. */
export async function startGateway(
  workspace: Workspace,
  registry: Registry,
  trust: RunningServer,
  blobs: 'proxy' | 'cache',
): Promise<RunningServer> {
  const directory = workspace.makeDirectory('gateway');
  const port = freePort();
  const rule = { images: `${registry.name}/**`, server: trust.url, ca: trust.caFile, 'first-use': true };
  writeFileSync(join(directory, 'policy.yaml'), JSON.stringify({ version: 1, rules: [rule] }), { mode: 0o600 });
  const config = {
    listen: `127.0.0.1:${port}`,
    data: 'data',
    policy: 'policy.yaml',
    upstreams: { [registry.name]: { ca: registry.caFile, blobs } },
    default: registry.name,
  };
  writeFileSync(join(directory, 'gateway.yaml'), JSON.stringify(config));
  const argv = [hallmark, 'gateway', '--config', join(directory, 'gateway.yaml')];
  const pid = await workspace.start(argv, port, directory);
  return running(port, join(directory, 'data', 'ca.crt'), pid);
}

/** Stores a blob. @returns its digest */
export async function pushBlob(registry: Registry, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = `sha256:${sha256Hex(content)}`;
  const started = await registry.fetch(`${registry.url}/v2/${REPOSITORY}/blobs/uploads/`, { method: 'POST' });
  const place = new URL(started.headers.get('location') ?? '', registry.url);
  place.searchParams.set('digest', digest);
  const put = await registry.fetch(place.href, { method: 'PUT', body: content });
  if (put.status !== 201) throw new Error(`the registry answered ${put.status} to a blob`);
  return digest;
}

/** Stores a manifest of these blobs under a tag. @returns its bytes */
export async function pushManifest(
  registry: Registry,
  tag: string,
  config: readonly [digest: string, size: number],
  layer: readonly [digest: string, size: number],
): Promise<Uint8Array> {
  const descriptor = (mediaType: string, [digest, size]: readonly [string, number]) => ({ mediaType, digest, size });
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
    annotations: { tag },
  });
  const headers = { 'content-type': MANIFEST };
  const url = `${registry.url}/v2/${REPOSITORY}/manifests/${tag}`;
  const put = await registry.fetch(url, { method: 'PUT', headers, body: text });
  if (put.status !== 201) throw new Error(`the registry answered ${put.status} to a manifest`);
  return new TextEncoder().encode(text);
}

function running(port: number, caFile: string, pid: number): RunningServer {
  const tls = { ca: readFileSync(caFile, 'utf8') };
  return { url: `https://localhost:${port}`, caFile, pid, fetch: (url, init) => fetch(url, { ...init, tls }) };
}
