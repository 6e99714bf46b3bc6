// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { multipart, refusalOf, TrustStage } from '../../test/support/trust-stage.ts';
import type { Access, Authenticator } from './auth/index.ts';
import { AuthenticationError, openToAll, TooManyAttemptsError } from './auth/index.ts';
import { GunPrefixError } from './gun-prefixes.ts';
import { COLLECTION_ROUTES, type CollectionRoute, SERVER_ROUTES, type ServerRoute } from './route-table.ts';

const GUN = 'example.com/app';
const TUF = `/v2/${GUN}/_trust/tuf`;

/** Lets nobody in, and remembers what they wanted. */
class Closed implements Authenticator {
  readonly wanted: Access[] = [];

  async authenticate(_: Request, wanted: Access): Promise<never> {
    this.wanted.push(wanted);
    throw new AuthenticationError(wanted, 'Bearer realm="x"', 'closed');
  }
}

const repository = (...actions: readonly string[]) => ({ kind: 'repository', gun: GUN, actions });

const REQUESTS: readonly (readonly [method: string, path: string, wanted: object])[] = [
  ['GET', '/v2/', { kind: 'ping' }],
  ['GET', '/v2/_trust/changefeed?records=1', { kind: 'catalog' }],
  ['GET', `/v2/${GUN}/_trust/changefeed?records=1`, repository('pull')],
  ['POST', `${TUF}/`, repository('push', 'pull')],
  ['DELETE', `${TUF}/`, repository('*')],
  ['GET', `${TUF}/timestamp.key`, repository('push', 'pull')],
  ['GET', `${TUF}/snapshot.key`, repository('push', 'pull')],
  ['POST', `${TUF}/timestamp.key`, repository('*')],
  ['POST', `${TUF}/snapshot.key`, repository('*')],
  // past the table, and through it
  ['GET', `${TUF}/root.json`, repository('pull')],
  ['GET', `${TUF}/root.json?x=1`, repository('pull')],
  ['GET', `${TUF.replace('app', '%61pp')}/root.json`, repository('pull')],
  ['GET', `${TUF}/1.root.json`, repository('pull')],
  ['GET', `${TUF}/targets/releases.json`, repository('pull')],
  // whatever is not there
  ['GET', '/nothing', { kind: 'catalog' }],
  ['GET', '/', { kind: 'catalog' }],
  ['HEAD', `${TUF}/root.json`, { kind: 'catalog' }],
  ['PUT', `${TUF}/root.json`, { kind: 'catalog' }],
  ['POST', '/_notary_server/health', { kind: 'catalog' }],
  ['GET', '/metrics', { kind: 'catalog' }],
  ['GET', `${TUF}/root.key`, { kind: 'catalog' }],
];

describe('every route', () => {
  test.each(REQUESTS)('%s %s lets nobody in who may not, and changes nothing', async (method, path, wanted) => {
    const auth = new Closed();
    const stage = new TrustStage({ auth });
    const response = await stage.request(method, path, method === 'POST' ? multipart([]) : {});

    expect(response.status).toBe(401);
    expect(auth.wanted as unknown[]).toEqual([wanted]);
    expect([response.headers.get('www-authenticate'), response.headers.get('cache-control')]).toEqual([
      'Bearer realm="x"',
      'no-store',
    ]);
    expect(await stage.storage.changes({ from: 'oldest', limit: 1 })).toEqual([]);
  });

  test('has its place in that list', () => {
    const listed = REQUESTS.map(([method, path]) => `${method} ${path}`);
    for (const { method, path } of [...SERVER_ROUTES, ...COLLECTION_ROUTES]) {
      if (path === '/_notary_server/health') continue;
      const example = path
        .replace(':gun{.+}', GUN)
        .replace(':file{.+[.]json}', 'root.json')
        .replace(':file{(?:snapshot|timestamp)[.]key}', 'timestamp.key');
      expect(listed.some((request) => request.startsWith(`${method} ${example}`))).toBe(true);
    }
  });

  test('has to say what it needs, or it does not compile', () => {
    // @ts-expect-error no default
    const forgotten: ServerRoute = { method: 'GET', path: '/x', handle: async () => new Response() };
    // @ts-expect-error an empty list would let everybody in
    const nothing: CollectionRoute['needs'] = [];
    expect([forgotten.path, nothing.length]).toEqual(['/x', 0]);
  });

  test('health asks nobody', async () => {
    expect((await new TrustStage({ auth: new Closed() }).request('GET', '/_notary_server/health')).status).toBe(200);
  });

  test('the body of a refusal names what was needed, as Notary does', async () => {
    const stage = new TrustStage({ auth: new Closed() });
    const response = await stage.request('GET', `${TUF}/timestamp.key`);
    expect(await response.text()).toBe(
      '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[' +
        `{"Type":"repository","Class":"","Name":"${GUN}","Action":"push"},` +
        `{"Type":"repository","Class":"","Name":"${GUN}","Action":"pull"}]}]}\n`,
    );
  });

  test('whoever has to wait is told for how long', async () => {
    const authenticate = async () => {
      throw new TooManyAttemptsError(17);
    };
    const response = await new TrustStage({ auth: { authenticate } }).request('GET', `${TUF}/root.json`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '17']);
    expect(await refusalOf(response)).toMatchObject({ code: 'TOOMANYREQUESTS' });
  });

  test('an authenticator that fails lets nobody in', async () => {
    const authenticate = async () => {
      throw new TypeError('nobody foresaw this');
    };
    const stage = new TrustStage({ auth: { authenticate } });
    for (const path of ['/v2/', `${TUF}/root.json`, '/nothing']) {
      expect((await stage.request('GET', path)).status).toBe(500);
    }
  });
});

describe('GUN prefixes', () => {
  const gunPrefixes = ['example.com/', 'docker.io/library/'];

  test('what this server is not for is refused before anybody is asked who they are', async () => {
    const auth = new Closed();
    const stage = new TrustStage({ auth, gunPrefixes });
    for (const gun of ['example.org/app', 'example.com', 'EXAMPLE.com/app', 'docker.io/other/x', 'x/example.com/a']) {
      const tuf = `/v2/${gun}/_trust/tuf/`;
      expect(await refusalOf(await stage.request('POST', tuf, multipart([])))).toEqual({
        status: 400,
        code: 'INVALID_GUN',
        detail: 'Require GUNs with prefix: [example.com/ docker.io/library/]',
      });
      for (const [method, path] of [
        ['GET', `${tuf}root.json`],
        ['GET', `${tuf}timestamp.key`],
        ['POST', `${tuf}timestamp.key`],
        ['DELETE', tuf],
        ['GET', `/v2/${gun}/_trust/changefeed?records=1`],
      ] as const) {
        const refusal = await refusalOf(await stage.request(method, path));
        expect(refusal).toEqual({ status: 404, code: 'METADATA_NOT_FOUND', detail: undefined });
      }
    }
    expect(auth.wanted).toEqual([]);
  });

  test('what it is for works', async () => {
    const stage = new TrustStage({ gunPrefixes });
    await stage.published('example.com/app');
    expect((await stage.get('example.com/app', 'root.json')).status).toBe(200);
    expect((await stage.request('GET', '/v2/')).status).toBe(200);
  });

  test.each(['', '/', 'a', '/a/', 'a//', '../a/', 'a/../b/', './', 'a/./b/', 'a/b'])('%p is none', (prefix) => {
    expect(() => new TrustStage({ gunPrefixes: [prefix] })).toThrow(GunPrefixError);
  });
});

test('handlers learn who asks', async () => {
  const logged: object[] = [];
  const log = { isDebug: false, debug() {}, info: (fields: object) => void logged.push(fields), warn() {}, error() {} };
  const auth: Authenticator = { authenticate: async () => ({ name: 'ann' }) };
  const stage = new TrustStage({ auth, log });
  await stage.published(GUN);
  await stage.request('POST', `${TUF}/timestamp.key`);
  await stage.request('DELETE', `${TUF}/`);

  expect(logged.map((fields) => (fields as { actor?: string }).actor)).toEqual(['ann', 'ann', 'ann']);
  expect((await new TrustStage({ auth: openToAll }).request('GET', '/v2/')).status).toBe(200);
});
