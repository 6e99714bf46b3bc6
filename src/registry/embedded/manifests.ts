// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../digest.ts';
import { RegistryError } from '../errors.ts';
import { decodeManifest, type Manifest } from '../manifest.ts';
import { bareMediaType } from '../media-types.ts';
import { isTag } from '../reference.ts';
import { chunksOf, collect } from '../streams.ts';
import { type Exchange, empty } from './exchange.ts';
import { Problem } from './problems.ts';

/** GET and HEAD /v2/<name>/manifests/<tag or digest> */
export async function getManifest(exchange: Exchange): Promise<Response> {
  const digest = await digestNamed(exchange);
  const manifest = digest === undefined ? undefined : await exchange.storage.manifest(exchange.repository, digest);
  if (digest === undefined || manifest === undefined) throw new Problem('MANIFEST_UNKNOWN', 'manifest unknown');
  const headers = {
    'content-length': String(manifest.bytes.length),
    'content-type': manifest.mediaType,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  return new Response(exchange.request.method === 'HEAD' ? null : manifest.bytes, { headers });
}

/** PUT /v2/<name>/manifests/<tag or digest> */
export async function putManifest(exchange: Exchange): Promise<Response> {
  const { request, storage, repository, last, limits } = exchange;
  requireReference(last);
  const body = request.body === null ? [] : chunksOf(request.body as ReadableStream<Uint8Array>);
  const bytes = await collect(asyncOf(body), limits.manifestBytes);
  if (bytes === undefined) throw new Problem('SIZE_INVALID', `manifest of more than ${limits.manifestBytes} bytes`);
  const digest = digestOf(bytes, isDigest(last) ? digestAlgorithm(last) : 'sha256');
  if (isDigest(last) && digest !== last)
    throw new Problem('DIGEST_INVALID', 'provided digest did not match uploaded content');
  const manifest = readManifest(bytes, bareMediaType(request.headers.get('content-type')) ?? '');
  await requireComplete(exchange, manifest);
  await storage.putManifest(
    repository,
    digest,
    { mediaType: manifest.mediaType, bytes },
    isDigest(last) ? undefined : last,
  );
  return empty(201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(manifest.subject === undefined ? {} : { 'oci-subject': manifest.subject.digest }),
  });
}

/** DELETE /v2/<name>/manifests/<tag or digest>: a tag loses its name, a digest the manifest and all its tags. */
export async function deleteManifest(exchange: Exchange): Promise<Response> {
  const { storage, repository, last } = exchange;
  requireReference(last);
  const isGone = isDigest(last)
    ? await storage.deleteManifest(repository, last)
    : await storage.deleteTag(repository, last);
  if (isGone) return empty(202, {});
  throw new Problem('MANIFEST_UNKNOWN', 'manifest unknown');
}

function requireReference(text: string): void {
  if (!isDigest(text) && !isTag(text)) throw new Problem('TAG_INVALID', 'manifest tag did not match URI');
}

async function digestNamed({ storage, repository, last }: Exchange): Promise<Digest | undefined> {
  if (isDigest(last)) return last;
  return isTag(last) ? storage.tag(repository, last) : undefined;
}

function readManifest(bytes: Uint8Array, mediaType: string): Manifest {
  try {
    return decodeManifest(bytes, mediaType);
  } catch (error) {
    if (error instanceof RegistryError) throw new Problem('MANIFEST_INVALID', error.message);
    throw error;
  }
}

/** A manifest whose parts are missing could be pulled by nobody, so it is not taken. */
async function requireComplete({ storage, repository }: Exchange, manifest: Manifest): Promise<void> {
  if (manifest.kind === 'index') {
    for (const { digest } of manifest.manifests) {
      if ((await storage.manifest(repository, digest)) !== undefined) continue;
      throw new Problem('MANIFEST_BLOB_UNKNOWN', `manifest ${digest} unknown to registry`);
    }
    return;
  }
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    const stored = await storage.blobSize(repository, digest);
    if (stored === undefined) throw new Problem('MANIFEST_BLOB_UNKNOWN', `blob ${digest} unknown to registry`);
    if (stored !== size) throw new Problem('MANIFEST_INVALID', `blob ${digest} has ${stored} bytes, not ${size}`);
  }
}

async function* asyncOf(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* content;
}
