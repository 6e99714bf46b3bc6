// SPDX-License-Identifier: Apache-2.0
import { streamOf } from '../streams.ts';
import { type Exchange, empty, requireDigest } from './exchange.ts';
import { Problem } from './problems.ts';
import type { ByteRange } from './storage.ts';

/** GET and HEAD /v2/<name>/blobs/<digest> */
export async function getBlob({ request, storage, repository, last }: Exchange): Promise<Response> {
  const digest = requireDigest(last);
  const size = await storage.blobSize(repository, digest);
  if (size === undefined) throw new Problem('BLOB_UNKNOWN', 'blob unknown to registry');
  const range = byteRange(request.headers.get('range'), size);
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000, immutable',
    'content-length': String(range === undefined ? size : range.end - range.start + 1),
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  if (range !== undefined) headers['content-range'] = `bytes ${range.start}-${range.end}/${size}`;
  const body = request.method === 'HEAD' ? null : streamOf(storage.readBlob(repository, digest, range));
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** DELETE /v2/<name>/blobs/<digest> */
export async function deleteBlob({ storage, repository, last }: Exchange): Promise<Response> {
  if (await storage.unlinkBlob(repository, requireDigest(last))) return empty(202, {});
  throw new Problem('BLOB_UNKNOWN', 'blob unknown to registry');
}

/** One range of RFC 9110, 14.1.2; several ranges, and other units, are answered as if none were asked for. */
function byteRange(header: string | null, size: number): ByteRange | undefined {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header ?? '');
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start <= end && start < size) return { start, end };
  throw new Problem('RANGE_INVALID', 'range is not within the blob', { 'content-range': `bytes */${size}` });
}
