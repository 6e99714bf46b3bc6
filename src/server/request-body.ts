// SPDX-License-Identifier: Apache-2.0
import { TrustProblem } from './problems.ts';

/** The request's body, cut off as soon as it passes the limit (S23). @throws TrustProblem `TOO_LARGE` */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new TrustProblem('TOO_LARGE', `more than ${limit} bytes`);
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.length;
    if (length > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length);
}
