// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import {
  BlobCache,
  type BlobMode,
  ClosureStore,
  createGateway,
  type GatewayOptions,
  type NameMapping,
  Upstreams,
} from '../../src/gateway/index.ts';
import { type Digest, digestOf, embeddedRegistry, MEDIA, MemoryRegistryStorage } from '../../src/registry/index.ts';
import { type Log, SILENT_LOG } from '../../src/service/index.ts';
import { PolicyStage } from './policy-stage.ts';
import type { RepositorySimulator } from './repository-simulator.ts';

export const REGISTRY = 'r.example.com';
const MAPPING: NameMapping = { upstreams: new Set([REGISTRY]), hosts: new Map(), fallback: REGISTRY };

export interface StoredImage {
  readonly manifest: string;
  readonly digest: Digest;
  readonly config: Digest;
  readonly layer: Digest;
}

/** A registry, a trust server and a gateway in front of them, in memory: push, sign, tamper, ask the gateway, expect. */
export class GatewayStage extends PolicyStage {
  readonly registry = embeddedRegistry(new MemoryRegistryStorage());
  /** Requests that reached the registry: method and path. */
  readonly upstream: string[] = [];
  /** What the registry answers instead; undefined is its own answer. */
  tamper: (path: string, method: string) => Response | undefined | Promise<Response | undefined> = () => undefined;
  log: Log = SILENT_LOG;
  #closure: ClosureStore | undefined;

  /** A gateway over what the directory holds, with fresh memory. */
  async gateway(yaml: string, options: Partial<GatewayOptions> & { blobs?: BlobMode; cacheBytes?: number } = {}) {
    await this.#closure?.close();
    const closure = await ClosureStore.open(join(this.directory, 'closure.db'), () => this.now);
    this.#closure = closure;
    const { blobs = 'proxy', cacheBytes = 1 << 20 } = options;
    const upstreams = new Map([[REGISTRY, { blobs }]]);
    const cache = blobs === 'cache' ? await BlobCache.open(join(this.directory, 'blobs'), cacheBytes) : undefined;
    const transport = (url: string, init: { method: string; headers: Headers; body?: unknown }) =>
      this.#registry(url, init);
    const { fetch } = createGateway({
      engine: this.engine(yaml, { point: 'gateway' }),
      mapping: MAPPING,
      upstreams: new Upstreams({ upstreams, credentials: async () => undefined, transport }),
      closure,
      cache,
      clock: () => this.now,
      elapsed: () => this.ticks,
      log: this.log,
      ...options,
    });
    return (asked: string | Request, init: RequestInit = {}) =>
      fetch(typeof asked === 'string' ? new Request(`https://gateway.example.com${asked}`, init) : asked);
  }

  async #registry(url: string, { method, headers }: { method: string; headers: Headers }): Promise<Response> {
    const { pathname, search } = new URL(url);
    this.upstream.push(`${method} ${pathname}`);
    const special = await this.tamper(pathname, method);
    if (special !== undefined) return special;
    return this.registry.fetch(new Request(`http://registry${pathname}${search}`, { method, headers }));
  }

  async put(path: string, body: string | Uint8Array, type = 'application/octet-stream'): Promise<void> {
    const request = new Request(`http://registry${path}`, { method: 'PUT', body, headers: { 'content-type': type } });
    const response = await this.registry.fetch(request);
    if (response.status !== 201) throw new Error(`the registry answered ${response.status} to ${path}`);
  }

  async blob(repository: string, content: string | Uint8Array): Promise<Digest> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes);
    const started = await this.registry.fetch(
      new Request(`http://registry/v2/${repository}/blobs/uploads/`, { method: 'POST' }),
    );
    const place = new URL(started.headers.get('location') ?? '', 'http://registry');
    place.searchParams.set('digest', digest);
    await this.put(place.pathname + place.search, bytes);
    return digest;
  }

  /** An image of one layer under a tag. */
  async image(repository: string, tag: string, content: string | Uint8Array): Promise<StoredImage> {
    const layer = await this.blob(repository, content);
    const size = typeof content === 'string' ? new TextEncoder().encode(content).length : content.length;
    const configText = JSON.stringify({ os: 'linux', architecture: 'amd64', layer });
    const config = await this.blob(repository, configText);
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: { mediaType: MEDIA.ociConfig, digest: config, size: configText.length },
      layers: [{ mediaType: MEDIA.ociLayer, digest: layer, size }],
    });
    await this.put(`/v2/${repository}/manifests/${tag}`, manifest, MEDIA.ociManifest);
    return { manifest, digest: digestOf(new TextEncoder().encode(manifest)), config, layer };
  }

  /** An index of images under a tag. */
  async index(repository: string, tag: string, images: readonly StoredImage[]): Promise<StoredImage['manifest']> {
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociIndex,
      manifests: images.map((image, at) => ({
        mediaType: MEDIA.ociManifest,
        digest: image.digest,
        size: image.manifest.length,
        platform: { os: 'linux', architecture: at === 0 ? 'amd64' : 'arm64' },
      })),
    });
    await this.put(`/v2/${repository}/manifests/${tag}`, manifest, MEDIA.ociIndex);
    return manifest;
  }

  /** Signs a manifest for a tag. */
  async sign(repository: string, tag: string, manifest: string): Promise<RepositorySimulator> {
    const gun = `${REGISTRY}/${repository}`;
    return (this.repositories.get(gun) ?? (await this.repository(gun))).tag(tag, manifest).publish();
  }

  async closeAll(): Promise<void> {
    await this.#closure?.close();
    this.close();
  }
}

/** The one error of an answer of the registry API. */
export async function errorOf(
  response: Response,
): Promise<{ status: number; code: string; message: string; reason?: string }> {
  const { errors } = (await response.json()) as {
    errors: { code: string; message: string; detail?: { reason?: string } }[];
  };
  const [error] = errors;
  const reason = error?.detail?.reason;
  return {
    status: response.status,
    code: error?.code ?? '',
    message: error?.message ?? '',
    ...(reason === undefined ? {} : { reason }),
  };
}
