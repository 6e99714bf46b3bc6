// SPDX-License-Identifier: Apache-2.0

import type { Answer, Connection, RegistryRequest } from './connection.ts';
import { checkedContent, type ExpectedContent } from './digest.ts';
import { repositoryScope } from './login/index.ts';
import { collect } from './streams.ts';

/** Up to here a blob is sent in one request with its length, which every registry takes. */
const MONOLITHIC_BYTES = 4 * 1024 * 1024;
const OCTETS = { 'content-type': 'application/octet-stream' };

/**
 * Stores a blob unless the repository has it: small ones in one PUT, others as the Docker engine sends them (one PATCH that
 * streams, then PUT). The content is checked on its way out, so a source that changed underfoot is noticed here.
 * @throws RegistryError
 */
export async function uploadBlob(
  connection: Connection,
  repository: string,
  expected: ExpectedContent,
  content: () => AsyncIterable<Uint8Array>,
): Promise<'pushed' | 'exists'> {
  const base = {
    scopes: [repositoryScope(repository, ['pull', 'push'])],
    what: `blob ${repository}@${expected.digest}`,
    repository,
  };
  if (await exists(connection, base, expected)) return 'exists';
  const start: RegistryRequest = { ...base, method: 'POST', target: `/v2/${repository}/blobs/uploads/`, accept: [202] };
  const begun = await connection.send(start);
  await begun.discard();
  let location = uploadLocation(connection, start, begun);
  try {
    if (expected.size <= MONOLITHIC_BYTES) {
      const body = (await collect(checkedContent(content(), expected), expected.size)) ?? new Uint8Array();
      await finish(connection, base, location, expected, body);
    } else {
      const body = checkedContent(content(), expected);
      const patch: RegistryRequest = {
        ...base,
        method: 'PATCH',
        target: location,
        headers: OCTETS,
        body,
        accept: [202, 204],
      };
      const sent = await connection.send(patch);
      await sent.discard();
      location = uploadLocation(connection, patch, sent, location);
      await finish(connection, base, location, expected, new Uint8Array());
    }
  } catch (error) {
    await cancel(connection, base, location);
    throw error;
  }
  return 'pushed';
}

type Base = Pick<RegistryRequest, 'scopes' | 'what' | 'repository'>;

async function exists(connection: Connection, base: Base, { digest }: ExpectedContent): Promise<boolean> {
  const target = `/v2/${base.repository}/blobs/${digest}`;
  const answer = await connection.send({ ...base, method: 'HEAD', target, accept: [200, 307, 404] });
  await answer.discard();
  // a redirect to where the content lies says as well that it is there
  return answer.response.status !== 404;
}

async function finish(
  connection: Connection,
  base: Base,
  location: string,
  expected: ExpectedContent,
  body: Uint8Array,
): Promise<void> {
  const url = new URL(location);
  url.searchParams.set('digest', expected.digest);
  const answer = await connection.send({
    ...base,
    method: 'PUT',
    target: url.href,
    headers: OCTETS,
    body,
    accept: [201, 204],
  });
  await answer.discard();
}

/** An upload that is given up; a registry forgets it by itself if this fails. */
async function cancel(connection: Connection, base: Base, location: string): Promise<void> {
  const request: RegistryRequest = { ...base, method: 'DELETE', target: location, accept: [200, 202, 204, 404, 405] };
  await connection.send(request).then(
    (answer) => answer.discard(),
    () => undefined,
  );
}

/** Where the registry wants the content: on its own origin, since our credentials go along (S33, S34). */
function uploadLocation(connection: Connection, request: RegistryRequest, answer: Answer, before?: string): string {
  const location = answer.header('location') ?? before;
  if (location === undefined || !URL.canParse(location, answer.url.href)) {
    throw connection.error('malformed', request, 'upload without a location');
  }
  const url = new URL(location, answer.url.href);
  if (url.origin === answer.url.origin) return url.href;
  throw connection.error('redirect-refused', request, `upload is to go to ${url.origin}: refused`);
}
