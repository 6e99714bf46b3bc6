// SPDX-License-Identifier: Apache-2.0
import { isDigest } from '../digest.ts';
import { isRepositoryPath } from '../reference.ts';
import { chunksOf } from '../streams.ts';
import { atMost, type Exchange, empty, requireDigest } from './exchange.ts';
import { Problem } from './problems.ts';

const UPLOAD_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** POST /v2/<name>/blobs/uploads/ : begins an upload, takes a whole blob with `digest`, or mounts one of another repository. */
export async function postUpload(exchange: Exchange): Promise<Response> {
  const { url, storage, repository, uploads } = exchange;
  const mount = url.searchParams.get('mount');
  const from = url.searchParams.get('from');
  if (mount !== null && isDigest(mount) && from !== null && isRepositoryPath(from)) {
    if (await storage.linkBlob(from, repository, mount)) return created(exchange, mount);
  }
  const digest =
    mount === null && url.searchParams.has('digest') ? requireDigest(url.searchParams.get('digest')) : undefined;
  const id = await storage.beginUpload(repository);
  const displaced = uploads.begin(id, repository);
  if (displaced !== undefined) await storage.cancelUpload(displaced.repository, displaced.id);
  if (digest === undefined) return progress(exchange, 202, id, 0);
  return uploads.exclusively(id, () => finish(exchange, id, digest, 0));
}

/** GET /v2/<name>/blobs/uploads/<id> */
export async function getUpload(exchange: Exchange): Promise<Response> {
  return progress(exchange, 204, exchange.last, await sizeOf(exchange));
}

/** PATCH /v2/<name>/blobs/uploads/<id> */
export async function patchUpload(exchange: Exchange): Promise<Response> {
  const { last: id, uploads } = exchange;
  return uploads.exclusively(id, async () => {
    const before = await sizeOf(exchange);
    requireOffset(exchange, before);
    return progress(exchange, 202, id, await append(exchange, id, before));
  });
}

/** PUT /v2/<name>/blobs/uploads/<id>?digest=… */
export async function putUpload(exchange: Exchange): Promise<Response> {
  const { last: id, uploads, url } = exchange;
  const digest = requireDigest(url.searchParams.get('digest'));
  return uploads.exclusively(id, async () => {
    const before = await sizeOf(exchange);
    requireOffset(exchange, before);
    return finish(exchange, id, digest, before);
  });
}

/** DELETE /v2/<name>/blobs/uploads/<id> */
export async function deleteUpload(exchange: Exchange): Promise<Response> {
  await sizeOf(exchange);
  await exchange.storage.cancelUpload(exchange.repository, exchange.last);
  exchange.uploads.end(exchange.last);
  return empty(204, {});
}

async function finish(
  exchange: Exchange,
  id: string,
  digest: ReturnType<typeof requireDigest>,
  before: number,
): Promise<Response> {
  await append(exchange, id, before);
  const isRight = await exchange.storage.finishUpload(exchange.repository, id, digest);
  exchange.uploads.end(id);
  if (!isRight) throw new Problem('DIGEST_INVALID', 'provided digest did not match uploaded content');
  return created(exchange, digest);
}

function append({ request, storage, limits, repository }: Exchange, id: string, before: number): Promise<number> {
  if (request.body === null) return Promise.resolve(before);
  const content = chunksOf(request.body as ReadableStream<Uint8Array>);
  return storage.appendUpload(repository, id, atMost(content, limits.blobBytes - before));
}

async function sizeOf({ storage, repository, last }: Exchange): Promise<number> {
  const size = UPLOAD_ID.test(last) ? await storage.uploadSize(repository, last) : undefined;
  if (size === undefined) throw new Problem('BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
  return size;
}

/** A chunk that says where it belongs must belong at the end. */
function requireOffset(exchange: Exchange, size: number): void {
  const header = exchange.request.headers.get('content-range');
  if (header === null) return;
  const match = /^(?:bytes )?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]{1,15}|\*))?$/.exec(header);
  if (match !== null && Number(match[1]) === size) return;
  throw new Problem(
    'RANGE_INVALID',
    'chunk does not continue the upload',
    progressHeaders(exchange, exchange.last, size),
  );
}

function progress(exchange: Exchange, status: number, id: string, size: number): Response {
  return empty(status, progressHeaders(exchange, id, size));
}

function progressHeaders({ repository }: Exchange, id: string, size: number): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    'docker-upload-uuid': id,
    range: `0-${Math.max(0, size - 1)}`,
  };
}

function created({ repository }: Exchange, digest: string): Response {
  return empty(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest });
}
