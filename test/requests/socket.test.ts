// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { htpasswdAuthenticator } from '../../src/server/auth/index.ts';
import { ensureOwnTls, type Listener, listen, SILENT_LOG } from '../../src/service/index.ts';
import { scratchDirectories } from '../support/scratch.ts';
import { multipart } from '../support/trust-stage.ts';
import { FuzzedServer } from './fuzzed-server.ts';
import { faultOf } from './judge.ts';
import { type Mutation, mutated, mutation } from './mutation.ts';
import { exchange, type RawAnswer, unfinished } from './raw-exchange.ts';
import { type GeneratedRequest, GUN, request } from './request.ts';

/** A connection with TLS costs a hundred times what a request in memory costs. */
const REQUESTS = Math.ceil(Number(process.env.HALLMARK_REQUESTS ?? 2000) / 50);
const AT_ONCE = 16;
const scratch = scratchDirectories();
const HOST = 'Host: localhost\r\n';

let server: FuzzedServer;
let listener: Listener;
/** One that lets nobody in, and names itself in its challenges as the request names it. */
let closedServer: FuzzedServer;
let closed: Listener;

beforeAll(async () => {
  server = await FuzzedServer.open();
  listener = await listening(server);
  const file = join(scratch(), 'htpasswd');
  writeFileSync(file, `ann:${Bun.password.hashSync('secret', { algorithm: 'bcrypt', cost: 4 })}\n`);
  const auth = await htpasswdAuthenticator({ file, clock: () => new Date(), log: SILENT_LOG });
  closedServer = await FuzzedServer.open({ auth });
  closed = await listening(closedServer);
});
afterAll(() => Promise.all([listener.stop(), closed.stop()]));

async function listening({ stage }: FuzzedServer): Promise<Listener> {
  const { identity } = await ensureOwnTls(scratch(), ['localhost'], new Date());
  const { fetch } = stage.server;
  return listen({ fetch: (asked) => fetch(asked), tls: identity, hostname: '127.0.0.1', port: 0 });
}

/** A request as bytes, changed here and there. */
interface RawRequest {
  readonly request: GeneratedRequest;
  readonly version: string;
  readonly host: readonly string[];
  readonly framing: 'length' | 'chunked' | 'both' | 'short' | 'none';
  readonly mutations: readonly Mutation[];
}

const raw: fc.Arbitrary<RawRequest> = fc.record({
  request,
  version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 x', ''),
  host: fc.constantFrom(
    ['localhost'],
    ['localhost'],
    ['localhost'],
    [],
    [''],
    ['a', 'b'],
    ['a b/c?d'],
    ['[::1'],
    ['u:p@h'],
    ['é"'],
    ['evil.example'],
  ),
  framing: fc.constantFrom('length', 'length', 'chunked', 'both', 'short', 'none'),
  mutations: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }) },
  ),
});

function bytesOf({
  request: { method, path, headers, body },
  version,
  host,
  framing,
  mutations,
}: RawRequest): Uint8Array {
  const bytes = Buffer.from(server.bytesOf(body) ?? []);
  const length = `Content-Length: ${framing === 'short' ? bytes.length + 10 : bytes.length}\r\n`;
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const frame = { length, short: length, chunked, both: length + chunked, none: '' }[framing];
  const lines = [...host.map((name) => ['Host', name] as const), ...headers].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `${method} ${path} ${version}\r\n${lines.join('')}${frame}\r\n`;
  const packed =
    framing === 'chunked' || framing === 'both'
      ? [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]
      : [bytes];
  return mutated(Buffer.concat([Buffer.from(head), ...packed]), mutations);
}

/** HTTP itself answers what is no HTTP, without a body; every other answer is the API's. */
function fault({ status, headers, body }: RawAnswer): string | undefined {
  if (status === 100) return undefined;
  // another version of HTTP is the one thing for which the standard has a 5xx
  const isOfHttp = [400, 405, 413, 414, 417, 431, 505].includes(status) && body.length === 0;
  if (isOfHttp && !headers.has('content-type')) return undefined;
  // whether the method was HEAD is not known for a mutated request: a type without a body tells
  const method = body.length === 0 && status !== 200 ? 'HEAD' : 'GET';
  return faultOf(method, { status, type: headers.get('content-type') ?? null, text: body.toString('utf8') });
}

async function answers(text: string): Promise<readonly (readonly [status: number, body: string])[]> {
  const got = await exchange(listener.port, Buffer.from(text, 'latin1'));
  expect(got.map(fault).filter((found) => found !== undefined)).toEqual([]);
  return got.map(({ status, body }) => [status, body.toString('utf8')]);
}

describe('S22 whatever bytes come over a socket', () => {
  test('generated ones: the answer, if any, is no failure and tells nothing, and nothing is stored but what is right', async () => {
    const closedBefore = closedServer.storage.changesMade;
    const batch = fc.array(raw, { minLength: AT_ONCE, maxLength: AT_ONCE });
    await fc.assert(
      fc.asyncProperty(batch, async (requests) => {
        const before = server.storage.changesMade;
        const all = requests.map(bytesOf);
        const got = await Promise.all(all.map((bytes) => exchange(listener.port, bytes)));
        const refused = await Promise.all(all.map((bytes) => exchange(closed.port, bytes)));
        const faults = [...got, ...refused].flat().flatMap((answer) => fault(answer) ?? []);
        if (faults.length > 0) throw new Error(faults.join('; '));
        const accepted = got.flat().filter(({ status, body }) => status === 200 && body.length === 0).length;
        if (server.storage.changesMade - before > accepted) throw new Error('stored without saying so');
        await server.renew();
      }),
      { numRuns: Math.ceil(REQUESTS / AT_ONCE), endOnFailure: true },
    );
    expect(closedServer.storage.changesMade).toBe(closedBefore);
    expect((await answers(`GET /_notary_server/health HTTP/1.1\r\n${HOST}\r\n`))[0]).toEqual([200, '{}']);
  }, 600_000);

  test('a request without a usable Host is answered by its path, as HTTP/1.0 has it', async () => {
    expect(await answers('GET /_notary_server/health HTTP/1.0\r\n\r\n')).toEqual([[200, '{}']]);
    expect((await answers(`GET /v2/${GUN}/_trust/tuf/root.json HTTP/1.0\r\n\r\n`))[0]?.[0]).toBe(200);
    for (const host of ['', 'a b/c?d', '[::1', 'u:p@h', 'evil/x', '\xff"']) {
      const get = async (path: string) => (await answers(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))[0]?.[0];
      expect([host, await get('/v2//a?x=1')]).toEqual([host, 301]);
      // such a URL is not normalized: it holds the bytes as they came, which no header may
      expect([host, await get('/v2//a?\xf9')]).toEqual([host, 301]);
      expect([host, await get('/v2/_trust/changefeed?records=1')]).toEqual([host, 200]);
      expect([host, await get('/v2/_trust/changefeed?records=x')]).toEqual([host, 400]);
    }
  });

  test('S12 dots lead nowhere', async () => {
    const get = async (path: string) => (await answers(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`))[0]?.[0];
    expect(await get(`/v2/a/../${GUN}/_trust/tuf/root.json`)).toBe(200);
    expect(await get('/v2/a/../b/_trust/tuf/root.json')).toBe(404);
    for (const path of ['/../../etc/passwd', '/v2/..%2f..%2f..%2fetc/passwd', '/v2/%2e%2e/%2e%2e/etc/passwd']) {
      expect([301, 404]).toContain((await get(path)) as number);
    }
  });

  test('S23 a body that trickles is not waited for', async () => {
    const own = await listening(await FuzzedServer.open({ limits: { bodyMs: 20 } }));
    const { headers } = multipart([]);
    const type = `Content-Type: ${headers['Content-Type']}\r\n`;
    const head = `POST /v2/${GUN}/_trust/tuf/ HTTP/1.1\r\n${HOST}${type}Content-Length: 500\r\n\r\nfirst bytes`;
    const got = await unfinished(own.port, Buffer.from(head));
    await own.stop();

    expect(got.map(({ status, body }) => [status, JSON.parse(body.toString()).errors[0].code])).toEqual([
      [408, 'REQUEST_TIMEOUT'],
    ]);
  });

  test('a request hidden in the body of another is not answered: one length, or none at all', async () => {
    const { body, headers } = multipart([]);
    const type = `Content-Type: ${headers['Content-Type']}\r\n`;
    const hidden = `DELETE /v2/${GUN}/_trust/tuf/ HTTP/1.1\r\n${HOST}\r\n`;
    const before = server.storage.changesMade;
    const post = `POST /v2/${GUN}/_trust/tuf/ HTTP/1.1\r\n${HOST}${type}`;
    for (const framing of [
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: chunked\r\nContent-Length: 5',
      'Content-Length: 0\r\nContent-Length: 50',
      'Transfer-Encoding: xchunked',
      'Transfer-Encoding: chunked, identity',
      'Transfer-Encoding : chunked',
      'Transfer-Encoding:\x0bchunked',
      'Content-Length: +5',
      'Content-Length: 0x5',
    ]) {
      const got = await answers(`${post}${framing}\r\n\r\n0\r\n\r\n${hidden}`);
      expect([framing, got.some(([status]) => status === 200)]).toEqual([framing, false]);
    }
    expect(body.length).toBeGreaterThan(0);
    expect(server.storage.changesMade).toBe(before);
  });

  test('a body that is not sent to its end stores nothing', async () => {
    const { headers } = multipart([]);
    const next = Buffer.from(server.bytesOf({ kind: 'update', which: 'next', mutations: [] }) ?? []);
    const before = server.storage.changesMade;
    const head = `POST /v2/${GUN}/_trust/tuf/ HTTP/1.1\r\n${HOST}Content-Type: ${headers['Content-Type']}\r\n`;
    const short = Buffer.concat([Buffer.from(`${head}Content-Length: ${next.length + 1}\r\n\r\n`), next]);
    await exchange(listener.port, short);
    const cut = Buffer.concat([
      Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${next.length.toString(16)}\r\n`),
      next,
    ]);
    await exchange(listener.port, cut);
    expect(server.storage.changesMade).toBe(before);
    const whole = Buffer.concat([Buffer.from(`${head}Content-Length: ${next.length}\r\n\r\n`), next]);
    expect((await exchange(listener.port, whole))[0]?.status).toBe(200);
    expect(server.storage.changesMade).toBe(before + 1);
    await server.renew();
  });
});
