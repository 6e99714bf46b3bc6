// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import { DecodeError, decodeJsonObject, type JsonObject } from '../encoding/index.ts';
import { type Digest, familiarName, type ImageReference, isDigest } from '../registry/index.ts';
import type { Endpoint } from './endpoint.ts';
import { EngineError, type EngineErrorCode } from './errors.ts';
import { type EngineRequest, exchange } from './http.ts';
import { type EngineMessage, type EngineProgress, messagesOf } from './progress.ts';

export interface TransferOptions {
  /** Value of `X-Registry-Auth`, see `registryAuthHeader`. */
  readonly registryAuth?: string;
  /** `linux/arm64` */
  readonly platform?: string;
  readonly onProgress?: (progress: EngineProgress) => void;
  readonly signal?: AbortSignal;
}

/** What a push stored, in the engine's words: read it back from the registry before it is signed. */
export interface PushedImage {
  readonly tag: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface PushOutcome {
  readonly pushed: readonly PushedImage[];
  /** The engine pushed one platform's manifest in place of the index (containerd image store). */
  readonly insteadOfIndex?: { readonly index: Digest; readonly manifest: Digest };
}

export interface EngineImage {
  readonly id: string;
  readonly repoTags: readonly string[];
  /** `name@sha256:…` */
  readonly repoDigests: readonly string[];
  readonly os: string;
  readonly architecture: string;
}

/** Versions of the engine's API that this client speaks: Docker 18.09 to today. */
const NEWEST_API = '1.47';
const OLDEST_API = '1.24';
const MAX_ANSWER = 16 * 1024 * 1024;
const FINAL_STATUS = /^([^\s:]{1,128}): digest: (sha(?:256|512):[0-9a-f]{64,128}) size: ([0-9]{1,15})$/;

/** The few calls of the Docker engine's API that pulling, pushing and tagging need. */
export class EngineClient {
  readonly #endpoint: Endpoint;
  #version: Promise<string> | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** The API version that both sides speak. @throws EngineError `unreachable` */
  version(): Promise<string> {
    this.#version ??= this.#negotiate();
    this.#version.catch(() => {
      this.#version = undefined;
    });
    return this.#version;
  }

  /**
   * Pulls by digest, so that the engine resolves no name; it checks the content against the digest itself.
   * @throws EngineError `pull-failed`, also for what fails after the daemon answered 200
   */
  async pull(reference: ImageReference, digest: Digest, options: TransferOptions = {}): Promise<void> {
    await this.#create(reference, digest, options);
  }

  /** Names an image: `source` is an image ID, a name, or `name@sha256:…`. @throws EngineError `not-found` */
  async tag(source: string, reference: ImageReference, tag: string): Promise<void> {
    const query = new URLSearchParams({ repo: familiarName(reference), tag });
    const response = await this.#call('refused', { method: 'POST', path: `/images/${imagePath(source)}/tag?${query}` });
    response.resume();
  }

  /**
   * Pushes one tag (all tags of the name with `undefined`).
   * @throws EngineError `push-failed`, also for what fails after the daemon answered 200
   */
  async push(reference: ImageReference, tag: string | undefined, options: TransferOptions = {}): Promise<PushOutcome> {
    const query = new URLSearchParams(tag === undefined ? {} : { tag });
    if (options.platform !== undefined) query.set('platform', platformJson(options.platform));
    const path = `/images/${imagePath(familiarName(reference))}/push?${query}`;
    // the engine refuses a push without the header, even for a registry that asks for no login
    const headers = { 'x-registry-auth': options.registryAuth ?? ANONYMOUS };
    const response = await this.#call('push-failed', { method: 'POST', path, headers, ...signalOf(options) });
    const pushed = new Map<string, PushedImage>();
    let insteadOfIndex: PushOutcome['insteadOfIndex'];
    await this.#follow(response, 'push-failed', options, (message) => {
      const found = pushedImage(message);
      if (found !== undefined) pushed.set(found.tag, found);
      insteadOfIndex ??= replacedIndex(message.aux);
    });
    return { pushed: [...pushed.values()], ...(insteadOfIndex === undefined ? {} : { insteadOfIndex }) };
  }

  /** @throws EngineError `not-found` */
  async inspectImage(name: string): Promise<EngineImage> {
    const response = await this.#call('refused', { method: 'GET', path: `/images/${imagePath(name)}/json` });
    const image = await readObject(response);
    return {
      id: textAt(image, 'Id'),
      repoTags: textsAt(image, 'RepoTags'),
      repoDigests: textsAt(image, 'RepoDigests'),
      os: textAt(image, 'Os'),
      architecture: textAt(image, 'Architecture'),
    };
  }

  /** Loads an archive of `docker save`. @returns the names that the daemon says it loaded. @throws EngineError `load-failed` */
  async load(
    archive: AsyncIterable<Uint8Array>,
    options: Pick<TransferOptions, 'onProgress' | 'signal'> = {},
  ): Promise<readonly string[]> {
    const headers = { 'content-type': 'application/x-tar' };
    const request = {
      method: 'POST' as const,
      path: '/images/load?quiet=1',
      headers,
      body: archive,
      ...signalOf(options),
    };
    const response = await this.#call('load-failed', request);
    const loaded: string[] = [];
    await this.#follow(response, 'load-failed', options, ({ stream }) => {
      const name = /^Loaded image(?: ID)?: (\S+)/.exec(stream ?? '')?.[1];
      if (name !== undefined) loaded.push(name);
    });
    return loaded;
  }

  /** Removes a name of an image, and the image with its last name. @throws EngineError `not-found` */
  async removeImage(name: string, options: { readonly noPrune?: boolean } = {}): Promise<void> {
    const query = options.noPrune === true ? '?noprune=1' : '';
    const response = await this.#call('refused', { method: 'DELETE', path: `/images/${imagePath(name)}${query}` });
    response.resume();
  }

  async #create(reference: ImageReference, tag: string, options: TransferOptions): Promise<void> {
    const query = new URLSearchParams({ fromImage: familiarName(reference), tag });
    if (options.platform !== undefined) query.set('platform', options.platform);
    const headers = options.registryAuth === undefined ? {} : { 'x-registry-auth': options.registryAuth };
    const request = { method: 'POST' as const, path: `/images/create?${query}`, headers, ...signalOf(options) };
    await this.#follow(await this.#call('pull-failed', request), 'pull-failed', options, () => undefined);
  }

  async #follow(
    response: IncomingMessage,
    failureCode: EngineErrorCode,
    options: Pick<TransferOptions, 'onProgress' | 'signal'>,
    see: (message: EngineMessage) => void,
  ): Promise<void> {
    try {
      for await (const message of messagesOf(response)) {
        if (message.error !== undefined) throw new EngineError(failureCode, oneLine(message.error));
        if (message.progress !== undefined) options.onProgress?.(message.progress);
        see(message);
      }
    } catch (error) {
      if (error instanceof EngineError || options.signal?.aborted === true) throw error;
      throw new EngineError(failureCode, 'the connection to the Docker daemon broke off', { cause: error });
    }
  }

  async #negotiate(): Promise<string> {
    const response = await exchange(this.#endpoint, { method: 'GET', path: '/_ping' });
    response.resume();
    const offered = response.headers['api-version'];
    const theirs = typeof offered === 'string' && /^1\.[0-9]{1,3}$/.test(offered) ? offered : OLDEST_API;
    return minor(theirs) < minor(NEWEST_API) ? theirs : NEWEST_API;
  }

  async #call(failureCode: EngineErrorCode, request: EngineRequest): Promise<IncomingMessage> {
    const path = `/v${await this.version()}${request.path}`;
    const response = await exchange(this.#endpoint, { ...request, path });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const message = await refusalText(response, status);
    throw new EngineError(status === 404 ? 'not-found' : failureCode, message, { status });
  }
}

/** Base64url of `{}`. */
const ANONYMOUS = 'e30=';

function signalOf({ signal }: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function minor(version: string): number {
  return Number(version.slice(version.indexOf('.') + 1));
}

/** A name in a path: its slashes, colon and at sign are part of the route, all else is escaped. */
function imagePath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':').replaceAll('%40', '@');
}

function platformJson(platform: string): string {
  const [os, architecture, variant] = platform.split('/');
  return JSON.stringify({ os, architecture, variant });
}

function pushedImage({ aux, progress }: EngineMessage): PushedImage | undefined {
  const [tag, digest, size] = [aux?.get('Tag'), aux?.get('Digest'), aux?.get('Size')];
  if (typeof tag === 'string' && typeof digest === 'string' && isDigest(digest) && typeof size === 'number') {
    return { tag, digest, size };
  }
  const [, named, found, bytes] = FINAL_STATUS.exec(progress?.status ?? '') ?? [];
  return named !== undefined && found !== undefined && isDigest(found)
    ? { tag: named, digest: found, size: Number(bytes) }
    : undefined;
}

function replacedIndex(aux: JsonObject | undefined): PushOutcome['insteadOfIndex'] {
  if (aux?.get('manifestPushedInsteadOfIndex') !== true) return undefined;
  const index = digestAt(aux.get('originalIndex'));
  const manifest = digestAt(aux.get('selectedManifest'));
  return index === undefined || manifest === undefined ? undefined : { index, manifest };
}

function digestAt(value: unknown): Digest | undefined {
  const digest: unknown = value instanceof Map ? value.get('digest') : undefined;
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

async function refusalText(response: IncomingMessage, status: number): Promise<string> {
  try {
    const text = textAt(await readObject(response), 'message');
    if (text !== '') return oneLine(text);
  } catch {
    // an answer in another form says no more than its status
  }
  return `the Docker daemon answered ${status}`;
}

async function readObject(response: IncomingMessage): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Uint8Array).length;
    if (size > MAX_ANSWER) throw new EngineError('malformed', 'an answer of the Docker daemon is too long');
    chunks.push(chunk as Uint8Array);
  }
  try {
    return decodeJsonObject(Buffer.concat(chunks));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new EngineError('malformed', 'an answer of the Docker daemon is no JSON', { cause: error });
  }
}

function textAt(object: JsonObject, key: string): string {
  const value = object.get(key);
  return typeof value === 'string' ? value : '';
}

function textsAt(object: JsonObject, key: string): readonly string[] {
  const value = object.get(key);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 2000);
}
