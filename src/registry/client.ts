// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeJsonObject } from '../encoding/index.ts';
import { uploadBlob } from './blob-upload.ts';
import { type Answer, Connection, type RegistryClientOptions, type RegistryRequest } from './connection.ts';
import {
  checkContent,
  checkedContent,
  type Digest,
  digestAlgorithm,
  digestOf,
  type ExpectedContent,
  isDigest,
} from './digest.ts';
import { RegistryError } from './errors.ts';
import { repositoryScope } from './login/index.ts';
import { type Descriptor, decodeManifest, MAX_MANIFEST_BYTES, type Manifest, referencedBy } from './manifest.ts';
import { ACCEPT_MANIFESTS, bareMediaType, isManifestType, MEDIA } from './media-types.ts';
import { isRedirect } from './redirect.ts';
import { isRepositoryPath, isTag } from './reference.ts';

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  /** Exactly as the registry keeps them: what the digest covers. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

const MAX_TAG_PAGE = 16 * 1024 * 1024;
const MAX_TAG_PAGES = 10_000;

/**
 * One registry. Whatever it returns has been checked against the digest and the length asked for; what a tag means is
 * the one thing that a registry is believed, and only by who asks by tag.
 */
export class RegistryClient {
  readonly #connection: Connection;

  constructor(options: RegistryClientOptions) {
    this.#connection = new Connection(options);
  }

  get host(): string {
    return this.#connection.host;
  }

  /** Whether the registry speaks the API and lets us in. @throws RegistryError */
  async ping(): Promise<void> {
    const answer = await this.#connection.send({
      method: 'GET',
      target: '/v2/',
      scopes: [],
      what: 'API version 2',
      accept: [200],
    });
    await answer.discard();
  }

  /** What a tag means right now, in the registry's own words: nothing of it is proven. @throws RegistryError */
  async resolve(repository: string, tag: string): Promise<Descriptor> {
    const request = this.#manifestRequest('HEAD', repository, tag, [200, 404, 405]);
    const answer = await this.#connection.send(request);
    await answer.discard();
    const described = answer.response.status === 200 ? describedBy(answer) : undefined;
    // some registries answer HEAD with less than GET, or not at all
    return described ?? (await this.getManifest(repository, tag)).descriptor;
  }

  /**
   * A manifest by tag or digest. By digest the bytes are the ones that it names; with `size` their length is too.
   * @throws RegistryError
   */
  async getManifest(repository: string, reference: string, size?: number): Promise<FetchedManifest> {
    const request = this.#manifestRequest('GET', repository, reference, [200]);
    const answer = await this.#connection.send(request);
    const bytes = await this.#connection.read(answer, request, MAX_MANIFEST_BYTES);
    const claimed = answer.header('docker-content-digest');
    const digest = isDigest(reference)
      ? reference
      : digestOf(bytes, isDigest(claimed ?? '') ? digestAlgorithm(claimed as Digest) : 'sha256');
    return this.#placed(request, () => {
      checkContent(bytes, { digest, size: size ?? bytes.length });
      if (claimed !== null && claimed !== digest && digestAlgorithm(digest) === algorithmOf(claimed)) {
        const message = `manifest ${digest} was announced as ${claimed.slice(0, 140)}`;
        throw new RegistryError('digest-mismatch', message, { expected: claimed.slice(0, 140), actual: digest });
      }
      const mediaType = bareMediaType(answer.header('content-type')) ?? '';
      const manifest = decodeManifest(bytes, mediaType);
      return { descriptor: { mediaType, digest, size: bytes.length }, bytes, manifest };
    });
  }

  /** Whether the registry has a blob in this repository. */
  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    const answer = await this.#connection.send({
      ...this.#blobRequest(repository, digest),
      method: 'HEAD',
      accept: [200, 404],
    });
    await answer.discard();
    return answer.response.status === 200;
  }

  /** Bytes of a blob as the registry states them; undefined where it has none, or does not say. */
  async blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    const request = { ...this.#blobRequest(repository, digest), method: 'HEAD' as const, accept: [200, 404] };
    const answer = await this.#connection.send(request);
    await answer.discard();
    const length = answer.header('content-length');
    return answer.response.status === 200 && length !== null && /^[0-9]{1,15}$/.test(length)
      ? Number(length)
      : undefined;
  }

  /** Where the registry sends readers of a blob, under the rules for redirects; undefined if it serves the blob itself. */
  async blobLocation(repository: string, digest: Digest): Promise<URL | undefined> {
    const request = { ...this.#blobRequest(repository, digest), method: 'HEAD' as const, followRedirects: false };
    const answer = await this.#connection.send({ ...request, accept: [200, 301, 302, 303, 307, 308] });
    await answer.discard();
    return isRedirect(answer.response.status) ? this.#connection.redirectOf(answer) : undefined;
  }

  /** Manifests that name this one as their subject, in the registry's own words; none where it knows no referrers. */
  async referrers(repository: string, subject: Digest): Promise<readonly Descriptor[]> {
    const request: RegistryRequest = {
      ...this.#blobRequest(repository, subject),
      target: `/v2/${repository}/referrers/${subject}`,
      what: `referrers of ${repository}@${subject}`,
      headers: { accept: MEDIA.ociIndex },
      accept: [200, 400, 404, 405],
    };
    const answer = await this.#connection.send(request);
    if (answer.response.status !== 200) {
      await answer.discard();
      return [];
    }
    const bytes = await this.#connection.read(answer, request, MAX_MANIFEST_BYTES);
    return this.#placed(request, () => referencedBy(decodeManifest(bytes, MEDIA.ociIndex)));
  }

  /**
   * Content of a blob, checked while it streams: the iteration throws at the end unless digest and length are right, so
   * what came through is believed only after it ended.
   * @throws RegistryError
   */
  async *blob(repository: string, expected: ExpectedContent): AsyncGenerator<Uint8Array, void, undefined> {
    const request = this.#blobRequest(repository, expected.digest);
    const answer = await this.#connection.send(request);
    const content = checkedContent(answer.body(), expected);
    try {
      for (;;) {
        const next = await this.#connection.guarded(content.next(), request);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await content.return(undefined);
    }
  }

  /** Stores a manifest under a tag or its own digest. @returns its digest. @throws RegistryError */
  async putManifest(repository: string, reference: string, mediaType: string, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes, isDigest(reference) ? digestAlgorithm(reference) : 'sha256');
    if (isDigest(reference)) checkContent(bytes, { digest: reference, size: bytes.length });
    const base = this.#manifestRequest('PUT', repository, reference, [201, 200, 202]);
    const request = { ...base, headers: { 'content-type': mediaType }, body: bytes };
    const answer = await this.#connection.send(request);
    await answer.discard();
    const stored = answer.header('docker-content-digest');
    if (stored !== null && stored !== digest && algorithmOf(stored) === digestAlgorithm(digest)) {
      throw this.#connection.error('digest-mismatch', request, 'stored with another digest than it was sent with', {
        expected: digest,
        actual: stored.slice(0, 140),
      });
    }
    return digest;
  }

  /** Stores a blob unless it is there. The content is asked for only when it is needed. @throws RegistryError */
  uploadBlob(
    repository: string,
    expected: ExpectedContent,
    content: () => AsyncIterable<Uint8Array>,
  ): Promise<'pushed' | 'exists'> {
    requireRepository(repository);
    return uploadBlob(this.#connection, repository, expected, content);
  }

  /** @throws RegistryError `not-found`, or `rejected` where the registry does not delete */
  async deleteManifest(repository: string, digest: Digest): Promise<void> {
    const answer = await this.#connection.send(this.#manifestRequest('DELETE', repository, digest, [202, 200, 204]));
    await answer.discard();
  }

  /** Every tag of a repository, page by page. @throws RegistryError */
  async *tags(repository: string, pageSize = 1000): AsyncGenerator<string, void, undefined> {
    requireRepository(repository);
    const path = `/v2/${repository}/tags/list`;
    let target: string | undefined = `${path}?n=${pageSize}`;
    for (let page = 0; target !== undefined; page++) {
      const request: RegistryRequest = {
        method: 'GET',
        target,
        scopes: [repositoryScope(repository, ['pull'])],
        what: `tags of ${repository}`,
        repository,
        accept: [200],
      };
      if (page === MAX_TAG_PAGES)
        throw this.#connection.error('too-large', request, `more than ${MAX_TAG_PAGES} pages`);
      const answer = await this.#connection.send(request);
      const bytes = await this.#connection.read(answer, request, MAX_TAG_PAGE);
      yield* this.#placed(request, () => decodeTags(bytes));
      target = nextPage(answer, path);
    }
  }

  #manifestRequest(
    method: 'GET' | 'HEAD' | 'PUT' | 'DELETE',
    repository: string,
    reference: string,
    accept: number[],
  ): RegistryRequest {
    requireRepository(repository);
    if (!isTag(reference) && !isDigest(reference)) {
      throw new RegistryError('malformed', `"${reference.slice(0, 140)}" is neither a tag nor a digest`);
    }
    const isRead = method === 'GET' || method === 'HEAD';
    return {
      method,
      target: `/v2/${repository}/manifests/${reference}`,
      scopes: [repositoryScope(repository, isRead ? ['pull'] : method === 'PUT' ? ['pull', 'push'] : ['delete'])],
      what: `manifest ${repository}${isDigest(reference) ? '@' : ':'}${reference}`,
      repository,
      ...(isRead ? { headers: { accept: ACCEPT_MANIFESTS } } : {}),
      accept,
      followRedirects: isRead,
    };
  }

  #blobRequest(repository: string, digest: Digest): RegistryRequest {
    requireRepository(repository);
    return {
      method: 'GET',
      target: `/v2/${repository}/blobs/${digest}`,
      scopes: [repositoryScope(repository, ['pull'])],
      what: `blob ${repository}@${digest}`,
      repository,
      accept: [200],
      followRedirects: true,
    };
  }

  /** Adds to an error about content where that content came from. */
  #placed<T>(request: RegistryRequest, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const { expected, actual, cause } = error;
      throw this.#connection.error(error.code, request, error.message, { expected, actual, cause });
    }
  }
}

function requireRepository(repository: string): void {
  if (isRepositoryPath(repository)) return;
  throw new RegistryError('malformed', `"${repository.slice(0, 140)}" is no repository name`);
}

function describedBy(answer: Answer): Descriptor | undefined {
  const mediaType = bareMediaType(answer.header('content-type'));
  const digest = answer.header('docker-content-digest');
  const length = answer.header('content-length');
  if (mediaType === undefined || !isManifestType(mediaType) || digest === null || !isDigest(digest)) return undefined;
  if (length === null || !/^[1-9][0-9]{0,8}$/.test(length)) return undefined;
  return { mediaType, digest, size: Number(length) };
}

function algorithmOf(text: string): string {
  return text.slice(0, text.indexOf(':'));
}

function decodeTags(bytes: Uint8Array): readonly string[] {
  try {
    const tags = decodeJsonObject(bytes, { depth: 8 }).get('tags');
    // null is how Go writes an empty list
    if (tags === null || tags === undefined) return [];
    if (!Array.isArray(tags)) throw new DecodeError('tags are not a list');
    return tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new RegistryError('malformed', error.message, { cause: error });
  }
}

/** Follows `Link: <…>; rel="next"` within the same list of the same registry, nowhere else (S34). */
function nextPage(answer: Answer, path: string): string | undefined {
  const link = /^<([^<>]{1,2048})>;[^<>]*rel="?next"?/.exec(answer.header('link') ?? '')?.[1];
  if (link === undefined || !URL.canParse(link, answer.url.href)) return undefined;
  const next = new URL(link, answer.url.href);
  const isSameList = next.origin === answer.url.origin && next.pathname === path && next.href !== answer.url.href;
  return isSameList ? next.pathname + next.search : undefined;
}
