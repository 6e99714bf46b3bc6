// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A request that was sent to the original server, and what it answered. */
export interface RecordedRequest {
  readonly case: string;
  /** How the original was set up. */
  readonly server?: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly authorization?: string;
  readonly body?: string;
  readonly base64?: string;
  /** `null` where it closed the connection without an answer. */
  readonly status: number | null;
  /** Of its error body. */
  readonly code?: string | null;
  readonly challenge?: string;
  /** The whole error body, where it does not depend on what is stored. */
  readonly answer?: string;
}

export function recordedRequests(name: 'bad-requests' | 'token-requests'): readonly RecordedRequest[] {
  const file = readFileSync(join(import.meta.dir, '../vectors/http', `${name}.json.gz`));
  return JSON.parse(Buffer.from(Bun.gunzipSync(file)).toString('utf8'));
}

/** As it was sent; a body of bytes that are no text is kept as base64. */
export function sentAgain(recorded: RecordedRequest): { method: string; path: string; init: RequestInit } {
  const { method, path, headers = [], authorization, body, base64 } = recorded;
  const sent = [...headers.filter(([name]) => name.toLowerCase() !== 'host')].map(([name, value]) => [name, value]);
  if (authorization !== undefined) sent.push(['authorization', authorization]);
  const bytes = base64 === undefined ? body : Buffer.from(base64, 'base64');
  const init = { headers: sent as [string, string][], ...(bytes === undefined ? {} : { body: bytes }) };
  return { method, path, init };
}
