// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { multipart, refusalOf, TrustStage } from '../../test/support/trust-stage.ts';
import { SNAPSHOT, sha256Hex, TIMESTAMP, withRoleKeys } from '../tuf/index.ts';
import { MemoryStorage } from './storage/index.ts';

const GUN = 'example.com/app';
const TUF = `/v2/${GUN}/_trust/tuf`;
const TEXT = 'text/plain; charset=utf-8';
const NOT_FOUND =
  '{"errors":[{"code":"METADATA_NOT_FOUND","message":"You have requested metadata that does not exist."}]}\n';
const LOOKUP_FAILED = NOT_FOUND.replace('exist."}', 'exist.","detail":{}}');

const header = (response: Response, name: string) => response.headers.get(name);

async function published() {
  const stage = new TrustStage();
  return { stage, publisher: await stage.published(GUN) };
}

describe('GET metadata', () => {
  test('by role may be kept for five minutes, by version and hash for a month', async () => {
    const { stage } = await published();
    const bytes = (await stage.bytes(GUN, 'targets.json')) as Uint8Array;
    const current = await stage.get(GUN, 'targets.json');
    const named = [await stage.get(GUN, '1.targets.json'), await stage.get(GUN, `targets.${sha256Hex(bytes)}.json`)];

    expect(header(current, 'Cache-Control')).toBe('public, max-age=300, s-maxage=300, must-revalidate');
    for (const response of named) {
      expect(header(response, 'Cache-Control')).toBe('public, max-age=2592000, s-maxage=2592000');
      expect(sha256Hex(new Uint8Array(await response.arrayBuffer()))).toBe(sha256Hex(bytes));
    }
    for (const response of [current, ...named]) {
      expect(header(response, 'Content-Type')).toBe(TEXT);
      expect(header(response, 'Last-Modified')).toBe('Mon, 23 Nov 2026 12:00:00 UTC');
      expect([header(response, 'ETag'), header(response, 'Pragma')]).toEqual([null, null]);
    }
  });

  test('what was read with credentials is for no shared cache', async () => {
    const { stage } = await published();
    const headers = { authorization: 'Bearer x' };
    const get = async (file: string) =>
      header(await stage.request('GET', `${TUF}/${file}`, { headers }), 'Cache-Control');

    expect(await get('targets.json')).toBe('private, max-age=300, must-revalidate');
    expect(await get('1.targets.json')).toBe('private, max-age=2592000');
  });

  test('a configured age of zero forbids keeping it', async () => {
    const stage = new TrustStage({ cacheAges: { current: 0 } });
    await stage.published(GUN);
    const [current, named] = [await stage.get(GUN, 'root.json'), await stage.get(GUN, '1.root.json')];

    expect([header(current, 'Cache-Control'), header(current, 'Pragma')]).toEqual([
      'max-age=0, no-cache, no-store',
      'no-cache',
    ]);
    expect(header(named, 'Pragma')).toBeNull();
  });

  test('hash and version may be spelled as Notary lets them', async () => {
    const { stage } = await published();
    const hash = sha256Hex((await stage.bytes(GUN, 'root.json')) as Uint8Array);

    expect((await stage.get(GUN, `root.${hash.toUpperCase()}.json`)).status).toBe(200);
    expect((await stage.get(GUN, '01.root.json')).status).toBe(200);
    expect((await stage.get(GUN, 'root.json?x=1')).status).toBe(200);
  });

  test.each([
    ['a version that is not there', '999.root.json'],
    ['version 0, which the original answers with version 1', '0.root.json'],
    ['a version beyond every integer', '99999999999999999999.root.json'],
    ['an unknown hash', `root.${'0'.repeat(64)}.json`],
    ['a hash that is not SHA-256', `root.${'0'.repeat(128)}.json`],
    ['a delegation that the snapshot does not list', 'targets/none.json'],
  ])('404 with a detail for %s', async (_, file) => {
    const { stage } = await published();
    const response = await stage.get(GUN, file);

    expect([response.status, await response.text()]).toEqual([404, LOOKUP_FAILED]);
    expect(header(response, 'Content-Type')).toBe('application/json; charset=utf-8');
    expect(header(response, 'Cache-Control')).toBeNull();
  });

  test('404 before anything was published', async () => {
    const stage = new TrustStage();
    for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'targets/releases']) {
      expect(await (await stage.get(GUN, `${role}.json`)).text()).toBe(LOOKUP_FAILED);
    }
  });

  test('W cross-GUN content by hash: a hash of one GUN or role is no file of another', async () => {
    const { stage } = await published();
    await stage.published('example.com/other');
    const hash = sha256Hex((await stage.bytes(GUN, 'targets.json')) as Uint8Array);

    expect((await stage.get(GUN, `targets.${hash}.json`)).status).toBe(200);
    expect((await stage.get('example.com/other', `targets.${hash}.json`)).status).toBe(404);
    expect((await stage.get(GUN, `root.${hash}.json`)).status).toBe(404);
  });

  test('a GUN may come percent-escaped, and is decoded once', async () => {
    const { stage } = await published();
    const get = async (gun: string) => (await stage.request('GET', `/v2/${gun}/_trust/tuf/root.json`)).status;

    expect(await get('example.com%2Fapp')).toBe(200);
    expect(await get('example.com%252Fapp')).toBe(404);
    expect(await get('EXAMPLE.com/app')).toBe(404);
    expect(await get('a/_trust/b')).toBe(404);
  });

  test('a GUN with port, escapes and percent signs of its own works throughout', async () => {
    const stage = new TrustStage();
    const gun = 'localhost:5000/é/50%25/100%';
    const publisher = await stage.publisher(gun);
    const path = `/v2/${gun.split('/').map(encodeURIComponent).join('/')}/_trust/tuf/`;

    expect((await stage.request('POST', path, multipart(publisher.all()))).status).toBe(200);
    expect((await stage.request('GET', `${path}timestamp.json`)).status).toBe(200);
  });
});

describe('what is not there', () => {
  test.each([
    ['GET', '/nothing'],
    ['GET', '/'],
    ['GET', '/v1/'],
    ['GET', '/v2'],
    ['POST', '/v2/'],
    ['PUT', `${TUF}/targets.json`],
    ['POST', `${TUF}/targets.json`],
    ['DELETE', `${TUF}/targets.json`],
    ['GET', `${TUF}/`],
    ['GET', TUF],
    ['POST', TUF],
    ['DELETE', `${TUF}/timestamp.key`],
    ['GET', `${TUF}/root.key`],
    ['POST', `${TUF}/targets.key`],
    ['GET', `${TUF}/foo.json`],
    ['GET', `${TUF}/-1.root.json`],
    ['GET', `${TUF}/root`],
    ['GET', '/v2/a*b/_trust/tuf/root.json'],
    ['GET', '/v2/_trust/tuf/root.json'],
    ['GET', '/v2/%ff/_trust/tuf/root.json'],
    ['POST', `/v2/${GUN}/_trust/changefeed?records=1`],
    ['GET', '/v2/_trust/changefeed/?records=1'],
    ['POST', '/_notary_server/health'],
  ])('%s %s is 404 without a detail', async (method, path) => {
    const { stage } = await published();
    const response = await stage.request(method, path);

    expect([response.status, await response.text()]).toEqual([404, NOT_FOUND]);
  });

  test('S31 a path longer than any of the API is not even matched', async () => {
    const { stage } = await published();
    const path = `/v2${'/_trust/tuf/x'.repeat(1200)}.json`;
    expect(await (await stage.request('GET', path)).text()).toBe(NOT_FOUND);
  });

  test('HEAD is 404 and OPTIONS and PATCH are 405, all without a body', async () => {
    const { stage } = await published();
    for (const [method, path, status] of [
      ['HEAD', '/v2/', 404],
      ['HEAD', `${TUF}/targets.json`, 404],
      ['PATCH', `${TUF}/`, 405],
      ['OPTIONS', '/v2/', 405],
    ] as const) {
      const response = await stage.request(method, path);
      expect([response.status, await response.text()]).toEqual([status, '']);
    }
  });

  test('empty and dotted components are redirected to the clean path, never to another host', async () => {
    const stage = new TrustStage();
    for (const [path, location] of [
      ['//v2/', '/v2/'],
      ['/v2//_trust/tuf/root.json', '/v2/_trust/tuf/root.json'],
      ['/v2/a//b/_trust/changefeed?records=1', '/v2/a/b/_trust/changefeed?records=1'],
      ['//evil.example.com/%2e%2e%2fx', '/x'],
      ['/v2/a%2f..%2fb/?c=d', '/v2/b/?c=d'],
      ['//a%3Fb%23c', '/a%3Fb%23c'],
    ]) {
      const response = await stage.request('GET', path as string);
      expect([response.status, header(response, 'Location')]).toEqual([301, location as string]);
    }
  });

  test('S12 a name that is no GUN gets no key and no update', async () => {
    const stage = new TrustStage();
    const refused = { status: 400, code: 'INVALID_GUN' };
    for (const gun of ['x'.repeat(256), 'a%5Cb', 'a%00b', '%20a']) {
      const path = `/v2/${gun}/_trust/tuf/`;
      expect(await refusalOf(await stage.request('POST', path, multipart([])))).toMatchObject(refused);
      expect(await refusalOf(await stage.request('DELETE', path))).toMatchObject(refused);
      expect(await refusalOf(await stage.request('GET', `${path}timestamp.key`))).toMatchObject(refused);
      expect((await stage.request('GET', `${path}root.json`)).status).toBe(404);
    }
  });
});

describe('keys', () => {
  test('one is made on request, the same until it has signed', async () => {
    const stage = new TrustStage();
    const get = async (method: string, role: string) => (await stage.request(method, `${TUF}/${role}.key`)).text();
    const timestamp = await get('GET', 'timestamp');

    expect(timestamp).toMatch(/^\{"keytype":"ecdsa","keyval":\{"public":"[A-Za-z0-9+/]+=*","private":null\}\}$/);
    expect(await get('GET', 'timestamp')).toBe(timestamp);
    expect(await get('POST', 'timestamp')).toBe(timestamp);
    expect(await get('GET', 'snapshot')).not.toBe(timestamp);
    expect(header(await stage.request('GET', `${TUF}/timestamp.key`), 'Content-Type')).toBe(TEXT);
  });

  test('a rotated key is not used, nor given by GET, before a root names it', async () => {
    const { stage, publisher } = await published();
    const get = async (method: string) => (await stage.request(method, `${TUF}/snapshot.key`)).text();
    const active = await get('GET');
    const rotated = await get('POST');

    expect(rotated).not.toBe(active);
    expect(await get('GET')).toBe(active);
    expect(await get('POST')).toBe(rotated);
    const key = await stage.keys.create(publisher.gun, SNAPSHOT, 'ecdsa');
    publisher.root = withRoleKeys(publisher.root, 'snapshot', [key]);
    expect(await stage.refusal(GUN, publisher.bump('root').update('root'))).toBeUndefined();
    expect(await get('GET')).toBe(rotated);
  });

  test("where the publisher holds the snapshot key, GET gives the server's own for a rotation to come", async () => {
    const stage = new TrustStage();
    const publisher = await stage.published(GUN, 'client');
    const response = await stage.request('GET', `${TUF}/snapshot.key`);

    const own = await stage.keys.create(publisher.gun, SNAPSHOT, 'ecdsa');
    expect(JSON.parse(await response.text()).keyval.public).toBe(Buffer.from(own.bytes).toString('base64'));
  });

  test('are of the algorithm that the server was told', async () => {
    const stage = new TrustStage({ keyAlgorithm: 'ed25519' });
    const response = await stage.request('GET', `${TUF}/timestamp.key`);

    expect(JSON.parse(await response.text()).keytype).toBe('ed25519');
    const publisher = await stage.publisher(GUN);
    publisher.root = withRoleKeys(publisher.root, 'timestamp', [
      await stage.keys.create(publisher.gun, TIMESTAMP, 'ed25519'),
    ]);
    expect(await stage.refusal(GUN, publisher.all())).toBeUndefined();
  });
});

describe('DELETE', () => {
  test('takes everything of exactly one GUN, and is 200 whether or not there was anything', async () => {
    const { stage, publisher } = await published();
    await stage.published(`${GUN}/longer`);
    const hash = sha256Hex((await stage.bytes(GUN, 'targets.json')) as Uint8Array);
    const remove = async () => {
      const response = await stage.request('DELETE', `${TUF}/`);
      return [response.status, await response.text()];
    };

    expect([await remove(), await remove()]).toEqual([
      [200, ''],
      [200, ''],
    ]);
    for (const file of ['root.json', '1.targets.json', `targets.${hash}.json`, 'timestamp.json']) {
      expect((await stage.get(GUN, file)).status).toBe(404);
    }
    expect((await stage.get(`${GUN}/longer`, 'root.json')).status).toBe(200);
    expect(await stage.refusal(GUN, publisher.all())).toBeUndefined();
  });
});

describe('the changefeed', () => {
  const feed = async (stage: TrustStage, query: string, gun = '') =>
    stage.request('GET', `/v2/${gun}_trust/changefeed?${query}`);

  test('lists updates and deletions as Notary does', async () => {
    const { stage } = await published();
    const sha256 = sha256Hex((await stage.bytes(GUN, 'timestamp.json')) as Uint8Array);
    await stage.request('DELETE', `${TUF}/`);
    const response = await feed(stage, 'records=10', `${GUN}/`);
    const common = `"CreatedAt":"2026-11-23T12:00:00Z","GUN":"${GUN}"`;

    expect(header(response, 'Content-Type')).toBe(TEXT);
    expect(await response.text()).toBe(
      `{"count":2,"records":[{"ID":"1",${common},"Version":1,"SHA256":"${sha256}","Category":"update"},` +
        `{"ID":"2",${common},"Version":0,"SHA256":"","Category":"deletion"}]}`,
    );
  });

  test('is read forwards and backwards', async () => {
    const { stage } = await published();
    for (const name of ['b', 'c', 'd', 'e']) await stage.published(name);
    const ids = async (query: string) =>
      JSON.parse(await (await feed(stage, query)).text()).records.map(({ ID }: { ID: string }) => Number(ID));

    expect(await ids('records=0')).toEqual([1, 2, 3, 4, 5]);
    expect(await ids('records=2&change_id=0')).toEqual([1, 2]);
    expect(await ids('records=2&change_id=2')).toEqual([3, 4]);
    expect(await ids('records=-2&change_id=5')).toEqual([3, 4]);
    expect(await ids('records=-2')).toEqual([4, 5]);
    expect(await ids('records=-2&change_id=-1')).toEqual([4, 5]);
    expect(await ids('records=2&change_id=-1')).toEqual([4, 5]);
    expect(await ids('records=2&change_id=999')).toEqual([]);
  });

  test.each(['', 'records=', 'records=abc', 'records=99999999999', 'records=1&change_id=abc', 'records=1e3'])(
    '%p is no query',
    async (query) => {
      expect(await refusalOf(await feed(new TrustStage(), query))).toMatchObject({
        status: 400,
        code: 'INVALID_PARAMETERS',
      });
    },
  );
});

describe('the rest', () => {
  test('GET /v2/ answers {} as text', async () => {
    const response = await new TrustStage().request('GET', '/v2/');
    expect([response.status, header(response, 'Content-Type'), await response.text()]).toEqual([200, TEXT, '{}']);
  });

  test('S23 health asks storage once a second at most', async () => {
    let asked = 0;
    const storage = new MemoryStorage();
    storage.check = async () => {
      asked += 1;
    };
    const stage = new TrustStage({ storage });
    await Promise.all(Array.from({ length: 20 }, () => stage.request('GET', '/_notary_server/health')));

    expect(asked).toBe(1);
  });

  test('health is 200, and 503 without details while storage fails', async () => {
    const storage = new MemoryStorage();
    const ask = () => new TrustStage({ storage }).request('GET', '/_notary_server/health');
    const healthy = await ask();
    storage.check = async () => {
      throw new Error('password is 1234');
    };
    const sick = await ask();

    expect([healthy.status, await healthy.text()]).toEqual([200, '{}']);
    expect([sick.status, await sick.json()]).toEqual([503, { 'DB operational': 'storage cannot be reached' }]);
  });

  test('what nobody foresaw is an opaque 500, and logged', async () => {
    const storage = new MemoryStorage();
    storage.current = async () => {
      throw new Error('password is 1234');
    };
    const logged: object[] = [];
    const log = {
      isDebug: false,
      debug() {},
      info() {},
      warn() {},
      error: (fields: object) => void logged.push(fields),
    };
    const response = await new TrustStage({ storage, log }).get(GUN, 'root.json');

    expect([response.status, await response.text()]).toEqual([
      500,
      '{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}\n',
    ]);
    expect(logged).toEqual([{ error: new Error('password is 1234') }]);
  });

  test('bodies that are no multipart are malformed', async () => {
    const { stage } = await published();
    const post = async (init: RequestInit) => refusalOf(await stage.request('POST', `${TUF}/`, init));
    const malformed = { status: 400, code: 'MALFORMED_UPLOAD' };

    expect(await post({})).toMatchObject(malformed);
    expect(await post({ body: '{}', headers: { 'Content-Type': 'application/json' } })).toMatchObject(malformed);
    expect(await post({ body: 'a=b' })).toMatchObject(malformed);
  });
});
