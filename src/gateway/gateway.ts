// SPDX-License-Identifier: Apache-2.0
import type { PolicyEngine, Refusal } from '../policy/index.ts';
import { type Descriptor, type Digest, MEDIA } from '../registry/index.ts';
import { type Fetch, type Log, targetUrl } from '../service/index.ts';
import type { BlobCache } from './blob-cache.ts';
import { Blobs } from './blobs.ts';
import type { ClosureStore } from './closure.ts';
import { Manifests, type ServedManifest } from './manifests.ts';
import { type GatewayRequest, type ImageName, imageReference, type NameMapping, readRequest } from './names.ts';
import { GatewayRefusal, refusalOf, refusalResponse } from './refusals.ts';
import type { Upstreams } from './upstreams.ts';

export interface GatewayOptions {
  readonly engine: PolicyEngine;
  readonly mapping: NameMapping;
  readonly upstreams: Upstreams;
  readonly closure: ClosureStore;
  /** For upstreams whose blobs are cached. */
  readonly cache?: BlobCache | undefined;
  readonly clock: () => Date;
  readonly elapsed: () => number;
  readonly log: Log;
  /** Told of every answer. */
  readonly answered?: (route: GatewayRequest['kind'] | 'none', status: number) => void;
}

const API_VERSION = { 'docker-distribution-api-version': 'registry/2.0' };
const MAX_TAGS = 10_000;

/** The verifying registry as a function of requests: it answers with what the policy lets through, or says why not. */
export function createGateway(options: GatewayOptions): { readonly fetch: Fetch } {
  const manifests = new Manifests(options.engine, options.closure, options.upstreams, options);
  const gateway = new Gateway(
    options,
    manifests,
    new Blobs(options.closure, options.upstreams, options.cache, options.elapsed),
  );
  return { fetch: (request) => gateway.fetch(request) };
}

class Gateway {
  readonly #options: GatewayOptions;
  readonly #manifests: Manifests;
  readonly #blobs: Blobs;

  constructor(options: GatewayOptions, manifests: Manifests, blobs: Blobs) {
    this.#options = options;
    this.#manifests = manifests;
    this.#blobs = blobs;
  }

  async fetch(request: Request): Promise<Response> {
    const isHead = request.method === 'HEAD';
    let wanted: GatewayRequest | undefined;
    let response: Response;
    try {
      if (!isHead && request.method !== 'GET')
        throw new GatewayRefusal('read-only', 'this gateway only serves: push to the registry itself');
      const host = request.headers.get('host') ?? undefined;
      wanted = readRequest(targetUrl(request.url), host, this.#options.mapping);
      response = await this.#answer(wanted, request, isHead);
    } catch (error) {
      response = this.#refused(error, wanted, isHead);
    }
    this.#options.answered?.(wanted?.kind ?? 'none', response.status);
    for (const [name, value] of Object.entries(API_VERSION)) response.headers.set(name, value);
    return response;
  }

  #refused(error: unknown, wanted: GatewayRequest | undefined, isHead: boolean): Response {
    try {
      const refusal = refusalOf(error, wanted?.kind === 'blob' ? 'unknown-blob' : 'unknown-manifest');
      const level = refusal.isOwnFault ? 'error' : 'info';
      this.#options.log[level]({ kind: refusal.kind, reason: refusal.message, ...describe(wanted) }, 'refused');
      return refusalResponse(refusal, isHead);
    } catch (unforeseen) {
      this.#options.log.error({ error: unforeseen, ...describe(wanted) }, 'failed');
      return refusalResponse(new GatewayRefusal('unavailable', 'the gateway failed: see its log'), isHead);
    }
  }

  #answer(wanted: GatewayRequest, request: Request, isHead: boolean): Promise<Response> | Response {
    switch (wanted.kind) {
      case 'ping':
        return new Response(isHead ? null : '{}', { headers: { 'content-type': 'application/json' } });
      case 'catalog':
        throw new GatewayRefusal('unsupported', 'repositories are not listed');
      case 'manifest':
        return this.#manifest(wanted.image, wanted.reference, request, isHead);
      case 'blob':
        return this.#blob(wanted.image, wanted.digest, request, isHead);
      case 'tags':
        return this.#tags(wanted.image, targetUrl(request.url));
      case 'referrers':
        return this.#referrers(wanted.image, wanted.digest, targetUrl(request.url));
      case 'trust':
        return this.#trust(wanted.image, wanted.fileName);
      default:
        return wanted satisfies never;
    }
  }

  async #manifest(
    image: ImageName,
    reference: { readonly tag: string } | { readonly digest: Digest },
    request: Request,
    isHead: boolean,
  ): Promise<Response> {
    const found =
      'tag' in reference
        ? await this.#manifests.byTag(image, reference.tag)
        : await this.#manifests.byDigest(image, reference.digest);
    return manifestResponse(found, found.mediaType, request, isHead);
  }

  /** Engines ask for refused manifests as blobs too: it is the same question, with the same answer. */
  async #blob(image: ImageName, digest: Digest, request: Request, isHead: boolean): Promise<Response> {
    const { overruled } = await this.#manifests.admitted.require(image, digest);
    const named = await this.#options.closure.descriptor(image, digest);
    const range = request.headers.get('range') ?? undefined;
    const wanted = { image, digest, named, isHead, range };
    if (await this.#blobs.isManifest(wanted)) {
      const found = await this.#manifests.byDigest(image, digest);
      return manifestResponse(found, 'application/octet-stream', request, isHead);
    }
    return withWarning(await this.#blobs.serve(wanted), overruled);
  }

  async #tags({ domain, path }: ImageName, url: URL): Promise<Response> {
    const last = url.searchParams.get('last') ?? '';
    const asked = Number(url.searchParams.get('n') ?? MAX_TAGS);
    const limit = Number.isInteger(asked) && asked > 0 ? Math.min(asked, MAX_TAGS) : MAX_TAGS;
    const tags = (await this.#manifests.tags({ domain, path })).filter((tag) => tag > last);
    const page = tags.slice(0, limit);
    const response = Response.json({ name: path, tags: page });
    const next = new URLSearchParams({
      ...Object.fromEntries(url.searchParams),
      last: page.at(-1) ?? '',
      n: String(limit),
    });
    if (tags.length > page.length) response.headers.set('link', `<${url.pathname}?${next}>; rel="next"`);
    return response;
  }

  /** Those that are themselves signed: any other would be refused when it is asked for. */
  async #referrers(image: ImageName, subject: Digest, url: URL): Promise<Response> {
    const wanted = url.searchParams.get('artifactType');
    const found: Descriptor[] = [];
    try {
      await this.#manifests.admitted.require(image, subject);
      const all = await this.#options.upstreams.client(image.domain).referrers(image.path, subject);
      const signed = await this.#options.engine.signedDigests(imageReference(image));
      for (const one of all) {
        const isKnown = signed instanceof Map && signed.has(one.digest);
        if (isKnown && (wanted === null || one.artifactType === wanted)) found.push(one);
      }
    } catch (error) {
      // no referrers are as good an answer as any, and one that stops no engine; a subject that is refused has none either
      this.#options.log.debug({ error, subject }, 'referrers');
    }
    const manifests = found.map(({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations: Object.fromEntries(annotations) }),
    }));
    const headers = {
      'content-type': MEDIA.ociIndex,
      ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }),
    };
    return new Response(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests }), { headers });
  }

  /** The Notary API for clients that verify themselves; they believe none of it either. */
  async #trust(image: ImageName, fileName: string): Promise<Response> {
    const file = await this.#options.engine.trustFile(imageReference(image), fileName);
    if (file === undefined) throw new GatewayRefusal('not-found', 'the trust server has no such file');
    return new Response(new Uint8Array(file), {
      headers: { 'content-type': 'application/json', 'cache-control': 'no-cache' },
    });
  }
}

function manifestResponse(found: ServedManifest, mediaType: string, request: Request, isHead: boolean): Response {
  const { digest, bytes, overruled } = found;
  const etag = `"${digest}"`;
  const headers = { 'content-type': mediaType, 'docker-content-digest': digest, etag };
  const isKnown =
    request.headers
      .get('if-none-match')
      ?.split(',')
      .some((one) => one.trim() === etag) === true;
  if (isKnown) return withWarning(new Response(null, { status: 304, headers }), overruled);
  const response = isHead
    ? new Response(null, { headers: { ...headers, 'content-length': String(bytes.length) } })
    : new Response(new Uint8Array(bytes), { headers });
  return withWarning(response, overruled);
}

/** S29: what is let through although it is refused is told with each answer. */
function withWarning(response: Response, overruled: Refusal | undefined): Response {
  if (overruled !== undefined) {
    const text = overruled.message.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'");
    response.headers.set(
      'warning',
      `299 - "content trust: would ${overruled.outcome === 'deny' ? 'deny' : 'fail'}: ${text}"`,
    );
  }
  return response;
}

function describe(wanted: GatewayRequest | undefined): object {
  if (wanted === undefined || !('image' in wanted)) return {};
  return { route: wanted.kind, repository: `${wanted.image.domain}/${wanted.image.path}` };
}
