// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { htpasswdAuthenticator, tokenAuthenticator } from '../../src/server/auth/index.ts';
import { SILENT_LOG } from '../../src/service/index.ts';
import { parseGun } from '../../src/tuf/index.ts';
import { TestClient } from '../support/client.ts';
import { scratchDirectories } from '../support/scratch.ts';
import { TokenIssuer } from '../support/token-issuer.ts';
import { FuzzedServer } from './fuzzed-server.ts';
import { faultOf } from './judge.ts';
import { type GeneratedRequest, GUN, request } from './request.ts';

/** How many requests are sent in all: few with the unit tests, very many in `npm run test:requests`. */
const REQUESTS = Number(process.env.HALLMARK_REQUESTS ?? 2000);
const TIMEOUT = 600_000;
const scratch = scratchDirectories();
const clock = () => new Date('2026-11-23T12:00:00Z');
const seen = new Map<number, number>();

afterAll(() => {
  const counts = [...seen].sort(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
  if (REQUESTS > 2000) process.stdout.write(`answers: ${counts.join(', ')}\n`);
});

/** Sends one request; throws with what is wrong with the answer, or with what it did. */
async function send(server: FuzzedServer, sent: GeneratedRequest, mayWrite: boolean): Promise<void> {
  const made = requestOf(server, sent);
  if (made === undefined) return;
  const before = server.storage.changesMade;
  const response = await server.stage.server.fetch(made);
  const text = await response.text();
  const { status } = response;
  seen.set(status, (seen.get(status) ?? 0) + 1);
  const fault = faultOf(sent.method, { status, type: response.headers.get('content-type'), text });
  if (fault !== undefined) throw new Error(`${fault}: ${status} ${text}`);
  const changed = server.storage.changesMade - before;
  const isWrite = status === 200 && (sent.method === 'POST' || sent.method === 'DELETE');
  if (changed > (mayWrite && isWrite ? 1 : 0)) throw new Error(`stored ${changed} times with ${status}`);
  if (changed > 0) await server.renew();
}

/** `undefined` for what cannot be said as a request at all; sockets are tried with such bytes elsewhere. */
function requestOf(server: FuzzedServer, { method, path, headers, body }: GeneratedRequest): Request | undefined {
  const bytes = server.bytesOf(body);
  const carries = bytes !== undefined && !['GET', 'HEAD', 'get'].includes(method);
  try {
    const sent = headers.map(([name, value]) => [name, value] as [string, string]);
    return new Request(`https://trust.example.com${path}`, {
      method,
      headers: sent,
      ...(carries ? { body: bytes as Uint8Array<ArrayBuffer> } : {}),
    });
  } catch {
    return undefined;
  }
}

async function assertAll(server: FuzzedServer, share: number, mayWrite: boolean): Promise<void> {
  const numRuns = Math.ceil(REQUESTS * share);
  const property = fc.asyncProperty(request, (sent) => send(server, sent, mayWrite));
  await fc.assert(property, { numRuns, endOnFailure: true });
  // and after all that it still does what it is for
  expect((await server.stage.request('GET', '/_notary_server/health')).status).toBe(200);
}

describe('S22 S23 whatever is requested, the answer is no failure, tells nothing, and stores nothing but what is right', () => {
  test(
    'of an open server',
    async () => {
      const server = await FuzzedServer.open();
      await assertAll(server, 0.7, true);
      // what is served now is what a client trusts
      const fetcher = { fetch: (gun: string, name: string) => server.stage.bytes(gun, name) };
      const client = new TestClient(fetcher, { gun: parseGun(GUN), now: server.stage.now });
      expect((await client.refresh()).refused.size).toBe(0);
      expect(server.storage.changesMade).toBeGreaterThan(2);
    },
    TIMEOUT,
  );

  test(
    'of a server that asks for tokens, and lets everybody pull some',
    async () => {
      const issuer = new TokenIssuer();
      const certificates = issuer.writeBundle(scratch());
      const auth = await tokenAuthenticator({
        ...issuer.names,
        certificates,
        publicRead: true,
        clock,
        log: SILENT_LOG,
      });
      await assertAll(await FuzzedServer.open({ auth, gunPrefixes: ['example.com/'] }), 0.2, false);
    },
    TIMEOUT,
  );

  test(
    'of a server with users',
    async () => {
      const file = join(scratch(), 'htpasswd');
      writeFileSync(file, `ann:${Bun.password.hashSync('secret', { algorithm: 'bcrypt', cost: 4 })}\n`);
      const auth = await htpasswdAuthenticator({ file, clock, log: SILENT_LOG });
      await assertAll(await FuzzedServer.open({ auth }), 0.1, false);
    },
    TIMEOUT,
  );
});
