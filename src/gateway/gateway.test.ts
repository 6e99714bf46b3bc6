// SPDX-License-Identifier: Apache-2.0
import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { errorOf, GatewayStage, REGISTRY } from '../../test/support/gateway-stage.ts';
import { rule } from '../../test/support/policy-stage.ts';
import { MEDIA } from '../registry/index.ts';

let stage: GatewayStage;

beforeEach(() => {
  stage = new GatewayStage();
});
afterEach(() => stage.closeAll());

const tagPath = (tag: string) => `/v2/acme/app/manifests/${tag}`;
const blobPath = (digest: string) => `/v2/acme/app/blobs/${digest}`;

describe('a signed tag', () => {
  test('is answered with what was signed, whatever the registry has under the tag', async () => {
    const signed = await stage.image('acme/app', '1', 'good');
    await stage.sign('acme/app', '1', signed.manifest);
    await stage.image('acme/app', '1', 'moved');
    const ask = await stage.gateway(rule(''));
    const response = await ask(tagPath('1'));
    expect(await response.text()).toBe(signed.manifest);
    expect(response.headers.get('docker-content-digest')).toBe(signed.digest);
    expect(response.headers.get('content-type')).toBe(MEDIA.ociManifest);
    expect(response.headers.get('etag')).toBe(`"${signed.digest}"`);
    expect(stage.upstream.filter((line) => line.includes('/manifests/'))).toEqual([`GET ${tagPath(signed.digest)}`]);
  });

  test('HEAD has digest and length, and a second request asks neither registry nor trust server', async () => {
    const signed = await stage.image('acme/app', '1', 'good');
    await stage.sign('acme/app', '1', signed.manifest);
    const ask = await stage.gateway(rule(''));
    await ask(tagPath('1'));
    const asked = [stage.upstream.length, stage.requests.length];
    const head = await ask(tagPath('1'), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(signed.manifest.length)]);
    expect((await ask(tagPath('1'), { headers: { 'if-none-match': `"${signed.digest}"` } })).status).toBe(304);
    expect([stage.upstream.length, stage.requests.length]).toEqual(asked);
  });

  test('brings along what belongs to it: manifests of an index, configuration and layers, as manifest or blob', async () => {
    const [one, two] = [await stage.image('acme/app', 'a', 'one'), await stage.image('acme/app', 'b', 'two')];
    await stage.sign('acme/app', '1', await stage.index('acme/app', '1', [one, two]));
    const ask = await stage.gateway(rule(''));
    await ask(tagPath('1'));
    expect((await ask(tagPath(one.digest))).status).toBe(200);
    expect(await (await ask(blobPath(one.layer))).text()).toBe('one');
    expect((await ask(blobPath(one.config))).status).toBe(200);
    expect(await (await ask(blobPath(two.digest))).text()).toBe(two.manifest);
    const head = await ask(blobPath(one.layer), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '3']);
  });

  test('whatever was kept is lost: all is known again from what is signed', async () => {
    const [one, two] = [await stage.image('acme/app', 'a', 'one'), await stage.image('acme/app', 'b', 'two')];
    await stage.sign('acme/app', '1', await stage.index('acme/app', '1', [one, two]));
    const ask = await stage.gateway(rule(''));
    expect(await (await ask(blobPath(two.layer))).text()).toBe('two');
    const again = await stage.gateway(rule(''));
    const before = stage.upstream.length;
    expect((await again(tagPath(one.digest))).status).toBe(200);
    expect(stage.upstream.length).toBe(before);
  });

  test('may be named by a tag alone in a rule', async () => {
    const signed = await stage.image('acme/app', 'v1', 'good');
    await stage.sign('acme/app', 'v1', signed.manifest);
    const ask = await stage.gateway(rule('', `${REGISTRY}/acme/app:v*`));
    expect((await ask(tagPath(signed.digest))).status).toBe(403);
    expect((await ask(tagPath('v1'), { method: 'HEAD' })).status).toBe(200);
    stage.ticks = 60_000;
    expect((await ask(tagPath(signed.digest))).status).toBe(200);
    expect((await ask(blobPath(signed.layer))).status).toBe(200);
  });
});

describe('what a rule about a tag lets through unverified', () => {
  for (const terms of ['action: allow', 'mode: warn, first-use: true'])
    test(`is had by its digest too, as engines ask for it, and nothing else is (${terms})`, async () => {
      const dev = await stage.image('acme/app', 'dev', 'dev');
      const other = await stage.image('acme/app', '1', 'other');
      const signed = await stage.image('acme/app', '2', 'good');
      await stage.sign('acme/app', '2', signed.manifest);
      const ask = await stage.gateway(`${rule('')}  - { images: '${REGISTRY}/acme/app:dev*', ${terms} }\n`);
      expect((await ask(tagPath(dev.digest))).status).toBe(403);
      for (const path of [tagPath('dev'), tagPath(dev.digest), blobPath(dev.layer)])
        expect([path, (await ask(path)).status]).toEqual([path, 200]);
      for (const path of [tagPath('1'), tagPath(other.digest), blobPath(other.layer)])
        expect([path, (await ask(path)).status]).toEqual([path, 403]);
    });
});

describe('what is not signed', () => {
  test.each(['GET', 'HEAD'])(
    '%s: a tag, a digest, a layer and a manifest asked for as a blob are refused',
    async (method) => {
      const signed = await stage.image('acme/app', '1', 'good');
      const other = await stage.image('acme/app', '2', 'other');
      await stage.sign('acme/app', '1', signed.manifest);
      const ask = await stage.gateway(rule(''));
      for (const path of [
        tagPath('2'),
        tagPath(other.digest),
        blobPath(other.layer),
        blobPath(other.digest),
        blobPath(other.config),
      ])
        expect([path, (await ask(path, { method })).status]).toEqual([path, 403]);
      expect(stage.upstream.filter((line) => line.includes(other.digest) || line.includes(other.layer))).toEqual([]);
    },
  );

  test('is refused in the form of the registry API, with the reason', async () => {
    await stage.image('acme/app', '1', 'x');
    const ask = await stage.gateway(rule(''));
    expect(await errorOf(await ask(tagPath('1')))).toEqual({
      status: 403,
      code: 'DENIED',
      reason: 'unsigned',
      message:
        'content trust: r.example.com/acme/app:1: denied: trust server has no root for r.example.com/acme/app ' +
        '(unsigned, rule r.example.com/**): sign it with hallmark push, or ask for what is signed',
    });
  });

  test('content of one repository is not to be had through another', async () => {
    const secret = await stage.image('acme/secret', '1', 'secret');
    const app = await stage.image('acme/app', '1', 'app');
    await stage.sign('acme/secret', '1', secret.manifest);
    await stage.sign('acme/app', '1', app.manifest);
    const ask = await stage.gateway(rule(''));
    await ask('/v2/acme/secret/manifests/1');
    expect((await ask(`/v2/acme/secret/blobs/${secret.layer}`)).status).toBe(200);
    expect((await ask(blobPath(secret.layer))).status).toBe(403);
  });

  test('a revoked image is refused once the repository is checked again, unless it was signed recently enough', async () => {
    const [old, fresh] = [await stage.image('acme/app', '1', 'old'), await stage.image('acme/app', '1', 'new')];
    await stage.sign('acme/app', '1', old.manifest);
    const [strict, lenient] = [rule(''), rule('digests: { signed-ever: 3d }')];
    const ask = await stage.gateway(strict);
    await ask(tagPath('1'));
    await stage.sign('acme/app', '1', fresh.manifest);
    stage.ticks = 60_000;
    expect((await ask(tagPath(old.digest))).status).toBe(403);
    expect((await ask(blobPath(old.layer))).status).toBe(403);
    const patient = await stage.gateway(lenient);
    expect((await patient(tagPath(old.digest))).status).toBe(200);
    expect((await patient(blobPath(old.layer))).status).toBe(200);
  });

  test('tags of the referrers scheme are no way around', async () => {
    const evil = await stage.image('acme/app', `sha256-${'a'.repeat(64)}`, 'evil');
    for (const mode of ['enforce', 'audit']) {
      const ask = await stage.gateway(rule(`mode: ${mode}`));
      expect((await ask(tagPath(`sha256-${'a'.repeat(64)}`))).status).toBe(404);
    }
    expect(evil.digest).toStartWith('sha256:');
  });
});

describe('what else the API has', () => {
  test('ping, and what is not offered', async () => {
    const ask = await stage.gateway(rule(''));
    const ping = await ask('/v2/');
    expect([ping.status, ping.headers.get('docker-distribution-api-version')]).toEqual([200, 'registry/2.0']);
    expect((await ask('/v2/_catalog')).status).toBe(404);
    expect((await ask('/')).status).toBe(404);
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
      const refused = await ask(tagPath('1'), { method });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  test('S22 a request that names no host, or one that is none, is answered like any other', async () => {
    const ask = await stage.gateway(rule(''));
    for (const url of ['/v2/', 'http://a:99999/v2/', 'http://%zz/v2/'])
      expect([url, (await ask({ url, method: 'GET', headers: new Headers() } as Request)).status]).toEqual([url, 200]);
  });

  test('tags are those that are signed, page by page', async () => {
    const image = await stage.image('acme/app', '9', 'x');
    for (const tag of ['1', '2', '3']) await stage.sign('acme/app', tag, image.manifest);
    const ask = await stage.gateway(rule(''));
    expect(await (await ask('/v2/acme/app/tags/list')).json()).toEqual({ name: 'acme/app', tags: ['1', '2', '3'] });
    const page = await ask('/v2/acme/app/tags/list?n=2');
    expect([await page.json(), page.headers.get('link')]).toEqual([
      { name: 'acme/app', tags: ['1', '2'] },
      '</v2/acme/app/tags/list?n=2&last=2>; rel="next"',
    ]);
    expect(await (await ask('/v2/acme/app/tags/list?n=2&last=2')).json()).toEqual({ name: 'acme/app', tags: ['3'] });
    expect((await ask('/v2/acme/other/tags/list')).status).toBe(403);
  });

  test('referrers are those that are signed themselves; else there are none', async () => {
    const image = await stage.image('acme/app', '1', 'x');
    const other = await stage.image('acme/app', '2', 'y');
    await stage.sign('acme/app', '1', image.manifest);
    const entry = (digest: string) => ({ mediaType: MEDIA.ociManifest, digest, size: 1 });
    stage.tamper = (path) =>
      path.includes('/referrers/')
        ? Response.json({
            schemaVersion: 2,
            mediaType: MEDIA.ociIndex,
            manifests: [entry(other.digest), entry(image.digest)],
          })
        : undefined;
    const ask = await stage.gateway(rule(''));
    const list = async (digest: string) =>
      ((await (await ask(`/v2/acme/app/referrers/${digest}`)).json()) as { manifests: { digest: string }[] }).manifests;
    expect((await list(image.digest)).map(({ digest }) => digest)).toEqual([image.digest]);
    expect(await list(other.digest)).toEqual([]);
    stage.tamper = () => new Response(null, { status: 500 });
    expect(await list(image.digest)).toEqual([]);
  });

  test('trust data pass through as they are, to be verified by who asks', async () => {
    const image = await stage.image('acme/app', '1', 'x');
    const repository = await stage.sign('acme/app', '1', image.manifest);
    const ask = await stage.gateway(rule(''));
    const response = await ask(`/v2/${REGISTRY}/acme/app/_trust/tuf/timestamp.json`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(repository.files.get('timestamp' as never) as never);
    expect((await ask(`/v2/${REGISTRY}/acme/none/_trust/tuf/root.json`)).status).toBe(404);
    expect((await ask(`/v2/${REGISTRY}/acme/app/_trust/tuf/..%2f..%2fx`)).status).toBe(404);
    stage.mood = 'down';
    expect((await ask(`/v2/${REGISTRY}/acme/app/_trust/tuf/timestamp.json`)).status).toBe(503);
  });
});

describe('what was kept is lost, or cannot be used', () => {
  const closure = (statement: string) => new Database(join(stage.directory, 'closure.db')).run(statement);

  test.each([
    [500, '503 UNAVAILABLE unavailable'],
    [401, '503 UNAVAILABLE unauthorized'],
    [404, '403 DENIED not-signed'],
  ])(
    'a layer while the registry answers %p for the image: %s, since a refusal has to be known',
    async (status, expected) => {
      const signed = await stage.image('acme/app', '1', 'good');
      await stage.sign('acme/app', '1', signed.manifest);
      stage.tamper = (path) => (path.includes('/manifests/') ? new Response(null, { status }) : undefined);
      const ask = await stage.gateway(rule(''));
      const refused = await errorOf(await ask(blobPath(signed.layer)));
      expect(`${refused.status} ${refused.code} ${refused.reason}`).toBe(expected);
      stage.tamper = () => undefined;
      expect((await ask(blobPath(signed.layer))).status).toBe(200);
    },
  );

  test('what was signed recently enough is had while another image of its repository cannot be', async () => {
    const [old, fresh] = [await stage.image('acme/app', '1', 'old'), await stage.image('acme/app', '1', 'new')];
    await stage.sign('acme/app', '1', old.manifest);
    const lenient = rule('digests: { signed-ever: 3d }');
    await (await stage.gateway(lenient))(tagPath('1'));
    await stage.sign('acme/app', '1', fresh.manifest);
    // another gateway may have let it through by its tag
    closure('delete from tag');
    stage.ticks = 60_000;
    stage.tamper = (path) => (path.includes(fresh.digest) ? new Response(null, { status: 500 }) : undefined);
    const ask = await stage.gateway(lenient);
    expect((await ask(tagPath(old.digest))).status).toBe(200);
    expect((await ask(blobPath(old.layer))).status).toBe(200);
    expect((await ask(blobPath(fresh.layer))).status).toBe(503);
  });

  test('while nothing can be kept, the answer says so, and nothing unsigned is let through', async () => {
    const [signed, other] = [await stage.image('acme/app', '1', 'good'), await stage.image('acme/app', '2', 'evil')];
    await stage.sign('acme/app', '1', signed.manifest);
    const ask = await stage.gateway(rule(''));
    closure(`create trigger full before insert on manifest begin select raise(abort, 'disk full'); end`);
    for (const path of [tagPath('1'), tagPath(signed.digest), blobPath(signed.layer)])
      expect(await errorOf(await ask(path))).toMatchObject({
        status: 503,
        message: expect.stringMatching(/what the gateway keeps cannot be used: disk full/),
      });
    for (const path of [tagPath('2'), tagPath(other.digest), blobPath(other.layer)])
      expect([403, 503]).toContain((await ask(path)).status);
    closure('drop trigger full');
    expect((await ask(blobPath(signed.layer))).status).toBe(200);
    expect((await ask(blobPath(other.layer))).status).toBe(403);
  });

  test('S38 the time of the last use cannot be written: the manifest is served all the same', async () => {
    const signed = await stage.image('acme/app', '1', 'good');
    await stage.sign('acme/app', '1', signed.manifest);
    await (await stage.gateway(rule('')))(tagPath('1'));
    const ask = await stage.gateway(rule(''));
    closure(`create trigger full before update on manifest begin select raise(abort, 'disk full'); end`);
    stage.now = new Date(stage.now.getTime() + 2 * 3_600_000);
    expect(await (await ask(tagPath('1'))).text()).toBe(signed.manifest);
  });
});

describe('S29 audit and warn', () => {
  test.each(['audit', 'warn'])('%s serves what is refused, with a Warning on every answer', async (mode) => {
    const image = await stage.image('acme/app', '1', 'unsigned');
    const ask = await stage.gateway(rule(`mode: ${mode}`));
    const warning = (response: Response) => response.headers.get('warning');
    const byTag = await ask(tagPath('1'));
    expect([byTag.status, await byTag.text()]).toEqual([200, image.manifest]);
    expect(warning(byTag)).toStartWith('299 - "content trust: would deny: ');
    for (const path of [tagPath(image.digest), blobPath(image.layer)]) {
      const response = await ask(path);
      expect([response.status, warning(response)?.slice(0, 20)]).toEqual([200, '299 - "content trust']);
    }
    expect(stage.counted.every(({ outcome }) => outcome === 'overruled')).toBe(true);
  });

  test('what is signed has no warning, its layers neither', async () => {
    const image = await stage.image('acme/app', '1', 'signed');
    await stage.sign('acme/app', '1', image.manifest);
    const ask = await stage.gateway(rule('mode: audit'));
    for (const path of [tagPath('1'), tagPath(image.digest), blobPath(image.layer)])
      expect((await ask(path)).headers.get('warning')).toBeNull();
    stage.ticks = 60_000;
    expect((await ask(blobPath(image.layer))).headers.get('warning')).toBeNull();
  });

  test('S24 other bytes under a digest are served in no mode', async () => {
    const image = await stage.image('acme/app', '1', 'unsigned');
    stage.tamper = (path) => (path.includes(image.layer) ? new Response('evilsigned') : undefined);
    const ask = await stage.gateway(rule('mode: audit'));
    await ask(tagPath('1'));
    expect((await ask(blobPath(image.layer))).status).toBe(403);
  });
});
