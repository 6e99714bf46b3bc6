// SPDX-License-Identifier: Apache-2.0
import { TrustProblem } from './problems.ts';

export interface BodyLimits {
  readonly bytes: number;
  /** From the first look at the body to its last byte, however steadily it trickles. */
  readonly milliseconds: number;
}

/**
 * The request's body. It is cut off as soon as it passes a limit, of bytes or of time (S23): what is announced too long is
 * not read at all, and nobody holds memory by sending slowly.
 * @throws TrustProblem `TOO_LARGE`, `REQUEST_TIMEOUT`, `MALFORMED_UPLOAD` when it is encoded or breaks off
 */
export async function readBody(request: Request, { bytes, milliseconds }: BodyLimits): Promise<Uint8Array> {
  // a small body that unpacks to a large one would pass the limit unseen; no client of Notary sends one
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (!/^(?:identity)?$/i.test(encoding)) throw new TrustProblem('MALFORMED_UPLOAD');
  if (Number(request.headers.get('content-length') ?? 0) > bytes) throw tooLarge(bytes);
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(new TrustProblem('REQUEST_TIMEOUT')), milliseconds);
  // nobody may be waiting when it strikes
  deadline.promise.catch(() => {});
  try {
    return await collect(reader, bytes, deadline.promise);
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function collect(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>,
  limit: number,
  deadline: Promise<never>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await Promise.race([next(reader), deadline]);
    if (done) return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length);
    length += value.length;
    if (length > limit) throw tooLarge(limit);
    chunks.push(value);
  }
}

/** A body that breaks off is the client's doing, never a failure of the server. */
async function next(reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new TrustProblem('MALFORMED_UPLOAD', undefined, { cause });
  }
}

function tooLarge(limit: number): TrustProblem {
  return new TrustProblem('TOO_LARGE', `more than ${limit} bytes`);
}
