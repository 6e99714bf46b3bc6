// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeJsonObject } from '../encoding/index.ts';
import type { RegistryClient } from './client.ts';
import { type Digest, shortDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import type { ImageSink, ImageSource } from './files/index.ts';
import { type Descriptor, decodeManifest, type ImageIndex, type ImageManifest, selectPlatform } from './manifest.ts';
import { isManifestType } from './media-types.ts';
import { hostPlatform, type Platform, platformRank, platformText } from './platform.ts';
import type { ImageReference } from './reference.ts';
import { collect } from './streams.ts';

export type TransferStatus =
  | 'Pulling fs layer'
  | 'Downloading'
  | 'Download complete'
  | 'Pull complete'
  | 'Already exists'
  | 'Preparing'
  | 'Pushing'
  | 'Pushed'
  | 'Layer already exists';

/** What Docker shows of a layer. */
export interface TransferProgress {
  /** The first 12 hex digits of the layer's digest. */
  readonly id: string;
  readonly status: TransferStatus;
  /** Bytes so far. */
  readonly current?: number;
  readonly total?: number;
}

export interface TransferOptions {
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface PullOptions extends TransferOptions {
  /** Which image of an index; all of them if the sink can hold them and nothing is said here. */
  readonly platform?: Platform;
  /** Length of the root manifest, where it is known from signed data. */
  readonly size?: number;
}

export interface PushOptions extends TransferOptions {
  /** Pushes one image of an index in its place: for archives that hold one platform only. */
  readonly platform?: Platform;
}

export interface PulledImage {
  /** The manifest asked for by digest. */
  readonly root: Descriptor;
  /** The manifest that was stored: `root`, or the one of the platform, which `root` names by digest. */
  readonly stored: Descriptor;
}

const MAX_DEPTH = 3;
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
const PUSHES_AT_ONCE = 3;

/**
 * Copies an image from a registry by digest, checked from the digest down to each byte. The tag of `reference` names the
 * copy and is never asked of the registry. When anything fails the sink is as it was.
 * @throws RegistryError, ImageFileError
 */
export async function pullImage(
  client: RegistryClient,
  reference: ImageReference,
  digest: Digest,
  sink: ImageSink,
  options: PullOptions = {},
): Promise<PulledImage> {
  const { path } = reference;
  try {
    const root = await client.getManifest(path, digest, options.size);
    const isChosen = root.manifest.kind === 'index' && (options.platform !== undefined || sink.isSingleImage);
    const stored = isChosen
      ? selectPlatform(root.manifest as ImageIndex, options.platform ?? hostPlatform())
      : root.descriptor;
    if (root.manifest.kind === 'image' && options.platform !== undefined) {
      const { config } = root.manifest;
      requirePlatform(await collect(client.blob(path, config), MAX_CONFIG_BYTES), options.platform);
    }
    const plan = new Plan(
      async (descriptor) => (await client.getManifest(path, descriptor.digest, descriptor.size)).bytes,
    );
    await plan.add(stored, isChosen ? undefined : root.bytes);
    await storeBlobs(plan, sink, (blob) => client.blob(path, blob), options);
    for (const { descriptor, bytes } of plan.manifests) await sink.putManifest(descriptor, bytes);
    await sink.finish(stored, reference);
    return { root: root.descriptor, stored };
  } catch (error) {
    await sink.abort(error);
    throw error;
  }
}

/**
 * Copies an image into a registry, blobs first and the root manifest last, so that the tag never names something
 * incomplete. Without a tag in `reference` it is stored under its digest alone.
 * @returns what was pushed: the digest and length to sign
 * @throws RegistryError, ImageFileError
 */
export async function pushImage(
  source: ImageSource,
  client: RegistryClient,
  reference: ImageReference,
  options: PushOptions = {},
): Promise<Descriptor> {
  const { path } = reference;
  const tell = options.onProgress ?? (() => undefined);
  const root = await rootOf(source, options.platform);
  const plan = new Plan((descriptor) => source.manifest(descriptor));
  await plan.add(root);
  for (const { digest } of plan.layers) tell({ id: shortDigest(digest), status: 'Preparing' });
  await inParallel(plan.blobs, PUSHES_AT_ONCE, async (blob, isStopped) => {
    const report = plan.isLayer(blob) ? tell : () => undefined;
    const id = shortDigest(blob.digest);
    const content = () =>
      counted(source.blob(blob), isStopped, (current) => report({ id, status: 'Pushing', current, total: blob.size }));
    const outcome = await client.uploadBlob(path, blob, content);
    report({ id, status: outcome === 'pushed' ? 'Pushed' : 'Layer already exists' });
  });
  for (const { descriptor, bytes } of plan.manifests) {
    const isRoot = descriptor.digest === root.digest;
    const under = isRoot && reference.tag !== undefined ? reference.tag : descriptor.digest;
    await client.putManifest(path, under, descriptor.mediaType, bytes);
  }
  const { mediaType, digest, size } = root;
  return { mediaType, digest, size };
}

async function rootOf(source: ImageSource, platform: Platform | undefined): Promise<Descriptor> {
  const root = await source.root();
  if (platform === undefined) return root;
  const manifest = decodeManifest(await source.manifest(root), root.mediaType);
  if (manifest.kind === 'index') return selectPlatform(manifest, platform);
  requirePlatform(await collect(source.blob(manifest.config), MAX_CONFIG_BYTES), platform);
  return root;
}

/** An image that is no index says in its config for what it was built. @throws RegistryError `not-found`, `malformed` */
function requirePlatform(config: Uint8Array | undefined, wanted: Platform): void {
  const offered = config && configPlatform(config);
  if (offered !== undefined && platformRank(wanted, offered) !== undefined) return;
  const actual = offered === undefined ? 'unknown' : platformText(offered);
  const message = `image is for ${actual}, not for ${platformText(wanted)}`;
  throw new RegistryError('not-found', message, { expected: platformText(wanted), actual });
}

function configPlatform(bytes: Uint8Array): Platform | undefined {
  try {
    const config = decodeJsonObject(bytes);
    const [os, architecture, variant] = ['os', 'architecture', 'variant'].map((name) => config.get(name));
    if (typeof os !== 'string' || typeof architecture !== 'string') return undefined;
    return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) };
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new RegistryError('malformed', `image config: ${cause.message}`, { cause });
  }
}

/** Everything that belongs to an image: manifests in the order in which they can be stored, and each blob once. */
class Plan {
  readonly manifests: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[] = [];
  readonly #read: (descriptor: Descriptor) => Promise<Uint8Array>;
  readonly #blobs = new Map<Digest, Descriptor>();
  readonly #layers = new Set<Digest>();
  readonly #seen = new Set<Digest>();

  constructor(read: (descriptor: Descriptor) => Promise<Uint8Array>) {
    this.#read = read;
  }

  get blobs(): readonly Descriptor[] {
    return [...this.#blobs.values()];
  }

  get layers(): readonly Descriptor[] {
    return this.blobs.filter((blob) => this.isLayer(blob));
  }

  isLayer({ digest }: Descriptor): boolean {
    return this.#layers.has(digest);
  }

  async add(descriptor: Descriptor, known?: Uint8Array, depth = 0): Promise<void> {
    if (this.#seen.has(descriptor.digest)) return;
    this.#seen.add(descriptor.digest);
    if (depth > MAX_DEPTH)
      throw new RegistryError('too-large', `manifest ${descriptor.digest}: indexes nested too deep`);
    const bytes = known ?? (await this.#read(descriptor));
    const manifest = decodeManifest(bytes, descriptor.mediaType);
    if (manifest.kind === 'index') await this.#addChildren(manifest, depth);
    else this.#addBlobs(manifest);
    this.manifests.push({ descriptor, bytes });
  }

  async #addChildren(index: ImageIndex, depth: number): Promise<void> {
    for (const child of index.manifests) {
      // an index may also name other content, which is then a blob of the repository
      if (isManifestType(child.mediaType)) await this.add(child, undefined, depth + 1);
      else this.#blobs.set(child.digest, child);
    }
  }

  #addBlobs({ config, layers }: ImageManifest): void {
    for (const blob of [config, ...layers]) {
      const before = this.#blobs.get(blob.digest);
      if (before !== undefined && before.size !== blob.size) {
        throw new RegistryError('malformed', `manifest: ${blob.digest} with two lengths`);
      }
      this.#blobs.set(blob.digest, blob);
    }
    for (const { digest } of layers) this.#layers.add(digest);
  }
}

async function storeBlobs(
  plan: Plan,
  sink: ImageSink,
  fetchBlob: (blob: Descriptor) => AsyncIterable<Uint8Array>,
  options: TransferOptions,
): Promise<void> {
  const tell = options.onProgress ?? (() => undefined);
  for (const { digest } of plan.layers) tell({ id: shortDigest(digest), status: 'Pulling fs layer' });
  await inParallel(plan.blobs, sink.parallel, async (blob, isStopped) => {
    const report = plan.isLayer(blob) ? tell : () => undefined;
    const id = shortDigest(blob.digest);
    if (await sink.has(blob)) return report({ id, status: 'Already exists' });
    const content = counted(fetchBlob(blob), isStopped, (current) =>
      report({ id, status: 'Downloading', current, total: blob.size }),
    );
    await sink.putBlob(blob, content);
    report({ id, status: 'Download complete' });
    report({ id, status: 'Pull complete' });
  });
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  isStopped: () => boolean,
  report: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    if (isStopped()) throw new RegistryError('unavailable', 'given up, since another part of the image failed');
    bytes += chunk.length;
    report(bytes);
    yield chunk;
  }
}

/** Works on at most `limit` items at once. After the first failure nothing new starts, what runs is told to stop, and that failure is thrown. */
async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, isStopped: () => boolean) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  const run = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift()) {
      try {
        await work(item, () => failures.length > 0);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  if (failures.length > 0) throw failures[0];
}
