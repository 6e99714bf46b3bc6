// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { errorOf, GatewayStage, REGISTRY, type StoredImage } from '../../test/support/gateway-stage.ts';
import { rule } from '../../test/support/policy-stage.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { digestOf, MEDIA } from '../registry/index.ts';
import { dockerTarget, hash, withTarget } from '../tuf/index.ts';

const DAY = 86_400_000;
let stage: GatewayStage;
let good: StoredImage;
let ask: Awaited<ReturnType<GatewayStage['gateway']>>;

beforeEach(async () => {
  stage = new GatewayStage();
  good = await stage.image('acme/app', '1', 'good');
  await stage.sign('acme/app', '1', good.manifest);
  ask = await stage.gateway(rule(''));
});
afterEach(() => stage.closeAll());

const tagPath = (tag: string) => `/v2/acme/app/manifests/${tag}`;
const blobPath = (digest: string) => `/v2/acme/app/blobs/${digest}`;
const endless = () => new ReadableStream({ pull: (sink) => sink.enqueue(new Uint8Array(1 << 16)) });
const reasonOf = async (path: string) => {
  const { status, code, reason } = await errorOf(await ask(path));
  return `${status} ${code} ${reason}`;
};

describe('the registry', () => {
  test('moves the tag: what was signed is served', async () => {
    await stage.image('acme/app', '1', 'evil');
    expect(await (await ask(tagPath('1'))).text()).toBe(good.manifest);
  });

  test('S24 serves another manifest under the signed digest', async () => {
    const evil = await stage.image('acme/app', '2', 'evil');
    stage.tamper = (path) =>
      path.endsWith(good.digest)
        ? new Response(evil.manifest, { headers: { 'content-type': MEDIA.ociManifest } })
        : undefined;
    expect(await reasonOf(tagPath('1'))).toMatch(/^403 DENIED (digest|length)-mismatch$/);
    stage.tamper = () => undefined;
    expect((await ask(tagPath('1'))).status).toBe(200);
  });

  test.each(['proxy', 'cache'] as const)(
    'S24 serves other bytes of a small layer (%s): refused with the reason, and nothing kept',
    async (blobs) => {
      ask = await stage.gateway(rule(''), { blobs });
      await ask(tagPath('1'));
      for (const body of ['evil', 'evil and longer', 'x', '']) {
        stage.ticks += 40_000;
        stage.tamper = (path) => (path.endsWith(good.layer) ? new Response(body) : undefined);
        expect(await reasonOf(blobPath(good.layer))).toMatch(/^403 DENIED (digest|length)-mismatch$/);
      }
      stage.tamper = () => undefined;
      stage.ticks += 40_000;
      expect(await (await ask(blobPath(good.layer))).text()).toBe('good');
    },
  );

  test.each(['proxy', 'cache'] as const)(
    'S24 serves other bytes of a large layer (%s): no whole answer, then a refusal',
    async (blobs) => {
      const large = await stage.image('acme/app', '5', new Uint8Array(1 << 20));
      await stage.sign('acme/app', '5', large.manifest);
      ask = await stage.gateway(rule(''), { blobs });
      await ask(tagPath('5'));
      stage.tamper = (path) => (path.endsWith(large.layer) ? new Response(new Uint8Array(1 << 20).fill(1)) : undefined);
      await expect((await ask(blobPath(large.layer))).arrayBuffer()).rejects.toThrow();
      stage.tamper = () => undefined;
      expect(await reasonOf(blobPath(large.layer))).toBe('403 DENIED digest-mismatch');
      stage.ticks += 40_000;
      expect((await (await ask(blobPath(large.layer))).arrayBuffer()).byteLength).toBe(1 << 20);
    },
  );

  test('S24 claims another type for the signed bytes', async () => {
    stage.tamper = (path) =>
      path.endsWith(good.digest)
        ? new Response(good.manifest, { headers: { 'content-type': MEDIA.ociIndex } })
        : undefined;
    expect(await reasonOf(tagPath('1'))).toBe('403 DENIED malformed');
  });

  test('S34 has an image whose layers lie elsewhere: refused, though it is signed', async () => {
    const foreign = JSON.stringify({
      ...JSON.parse(good.manifest),
      layers: [{ mediaType: MEDIA.ociLayer, digest: good.layer, size: 4, urls: ['http://169.254.169.254/x'] }],
    });
    stage.tamper = (path) =>
      path.includes('/manifests/')
        ? new Response(foreign, { headers: { 'content-type': MEDIA.ociManifest } })
        : undefined;
    await stage.sign('acme/app', '3', foreign);
    expect(await reasonOf(tagPath('3'))).toBe('403 DENIED unsupported');
  });

  test('S23 sends manifests and layers without end', async () => {
    stage.tamper = () => new Response(endless(), { headers: { 'content-type': MEDIA.ociManifest } });
    expect(await reasonOf(tagPath('1'))).toMatch(/^403 DENIED (too-large|length-mismatch)$/);
    stage.tamper = () => undefined;
    await ask(tagPath('1'));
    stage.tamper = () => new Response(endless());
    expect(await reasonOf(blobPath(good.layer))).toBe('403 DENIED length-mismatch');
  });

  test.each([
    [401, '503 UNAVAILABLE unauthorized'],
    [403, '503 UNAVAILABLE denied'],
    [404, '404 MANIFEST_UNKNOWN not-found'],
    [429, '503 UNAVAILABLE rate-limited'],
    [500, '503 UNAVAILABLE unavailable'],
    [503, '503 UNAVAILABLE unavailable'],
  ])('answers %p: %s, never with what makes an engine log in or try again for long', async (status, expected) => {
    stage.tamper = () => new Response(null, { status });
    expect(await reasonOf(tagPath('1'))).toBe(expected);
  });

  test('has the right content again after a failure', async () => {
    stage.tamper = () => new Response(null, { status: 503 });
    await ask(tagPath('1'));
    stage.tamper = () => undefined;
    expect((await ask(tagPath('1'))).status).toBe(200);
  });
});

describe('the trust server', () => {
  test('S17 replays old trust data', async () => {
    const repository = stage.repositories.get(`${REGISTRY}/acme/app`);
    const then = repository?.served ?? new Map();
    const fixed = await stage.image('acme/app', '1', 'fixed');
    await stage.sign('acme/app', '1', fixed.manifest);
    expect(await (await ask(tagPath('1'))).text()).toBe(fixed.manifest);
    repository?.replay(then);
    stage.ticks = 60_000;
    expect(await reasonOf(tagPath('1'))).toBe('403 DENIED rollback');
    ask = await stage.gateway(rule(''));
    expect(await reasonOf(tagPath('1'))).toBe('403 DENIED rollback');
  });

  test.each([
    ['down', '503 UNAVAILABLE unreachable'],
    [500, '503 UNAVAILABLE unavailable'],
    [401, '503 UNAVAILABLE unauthorized'],
    [404, '403 DENIED unsigned'],
  ] as const)('is or says %p: %s, for tags, digests and layers alike', async (mood, expected) => {
    await ask(tagPath('1'));
    stage.mood = mood;
    stage.ticks = 60_000;
    for (const path of [tagPath('1'), tagPath(good.digest), blobPath(good.layer)])
      expect(await reasonOf(path)).toBe(expected);
    expect((await ask(tagPath('1'), { method: 'HEAD' })).headers.get('retry-after')).toBe(
      expected.startsWith('503') ? '5' : null,
    );
  });

  test('S2 has only data that expired', async () => {
    stage.now = new Date(stage.now.getTime() + 100 * DAY);
    expect(await reasonOf(tagPath('1'))).toBe('503 UNAVAILABLE expired');
  });

  test('S2 data that expire while they are held serve no longer, for layers neither', async () => {
    const repository = stage.repositories.get(`${REGISTRY}/acme/app`);
    repository?.publish({ timestamp: new Date(stage.now.getTime() + 1000) });
    await ask(tagPath('1'));
    stage.now = new Date(stage.now.getTime() + 2000);
    for (const path of [tagPath('1'), tagPath(good.digest), blobPath(good.layer)])
      expect(await reasonOf(path)).toBe('503 UNAVAILABLE expired');
  });

  test('S23 answers without end', async () => {
    stage.mood = () => new Response(endless());
    expect(await reasonOf(tagPath('1'))).toBe('503 UNAVAILABLE too-large');
  });

  test('S22 answers garbage', async () => {
    stage.mood = () => new Response('{"signed":');
    expect(await reasonOf(tagPath('1'))).toBe('403 DENIED malformed');
  });

  test('S25 serves the trust data of another repository', async () => {
    const evil = await stage.image('acme/evil', '1', 'evil');
    const other = await stage.sign('acme/evil', '1', evil.manifest);
    stage.mood = (url) => {
      const file = url.slice(url.indexOf('/_trust/tuf/') + '/_trust/tuf/'.length);
      const bytes = other.served.get(file);
      return bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes));
    };
    expect(await reasonOf(tagPath('1'))).toBe('403 DENIED unusable-root-key');
  });
});

test('S24 a manifest that is known has to have the length that is signed for this tag too', async () => {
  await ask(tagPath('1'));
  const wrong = dockerTarget(hash('sha256', encodeUtf8(good.manifest)), good.manifest.length + 1);
  const repository = stage.repositories.get(`${REGISTRY}/acme/app`);
  repository?.edit('targets', (targets) => withTarget(targets, 'longer', wrong)).publish();
  expect((await ask(tagPath('longer'))).status).toBe(403);
  expect((await ask(tagPath('1'))).status).toBe(200);
});

describe('who asks', () => {
  test('S34 names a registry that the gateway does not stand for', async () => {
    for (const host of [
      '169.254.169.254',
      'localhost:5000',
      'evil.example.com',
      '',
      `${REGISTRY}:8443`,
      `${REGISTRY}@evil.com`,
    ])
      expect([host, (await ask(`${tagPath('1')}?ns=${encodeURIComponent(host)}`)).status]).toEqual([host, 403]);
    expect((await ask(`/v2/evil.example.com/app/manifests/1`)).status).toBe(403);
    expect((await ask(`${tagPath('1')}?ns=${REGISTRY}&ns=evil.example.com`)).status).toBe(400);
    expect(stage.upstream).toEqual([]);
  });

  test('S12 S22 sends names that are none: a refusal, never a failure', async () => {
    for (const name of [
      '..%2f..',
      'a/../b',
      'A',
      'a//b',
      '%',
      '%00',
      'a b',
      `${'a/'.repeat(300)}a`,
      '_trust',
      'x:y',
      'é',
    ])
      for (const rest of [
        'manifests/1',
        `blobs/${good.layer}`,
        'tags/list',
        'manifests/..',
        'blobs/x',
        'blobs/sha256:0',
      ])
        expect((await ask(`/v2/${name}/${rest}`)).status).toBeOneOf([400, 403, 404]);
    expect(stage.upstream).toEqual([]);
  });

  test('asks two hundred times at once: one update, one download, and each has the same answer', async () => {
    stage.requests.length = 0;
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(tagPath('1'))));
    expect(new Set(await Promise.all(answers.map((answer) => answer.text())))).toEqual(new Set([good.manifest]));
    expect(stage.upstream.filter((line) => line.includes(good.digest))).toHaveLength(1);
    expect(stage.requests.length).toBeLessThanOrEqual(4);
  });

  test('asks at random among good and bad, while the registry and the trust server lie: nothing bad comes through', async () => {
    const evil = await stage.image('acme/app', '2', 'evil');
    stage.tamper = (path) =>
      path.endsWith(good.digest) && stage.upstream.length % 2 === 0
        ? new Response(evil.manifest, { headers: { 'content-type': MEDIA.ociManifest } })
        : undefined;
    stage.mood = () => (stage.requests.length % 3 === 0 ? new Response(null, { status: 503 }) : undefined);
    const paths = ['1', '2', good.digest, evil.digest]
      .map(tagPath)
      .concat([good.layer, evil.layer, evil.config].map(blobPath));
    for (let round = 0; round < 10; round++) {
      stage.ticks += 60_000;
      const answers = await Promise.all(paths.concat(paths).map(async (path) => ({ path, answer: await ask(path) })));
      for (const { path, answer } of answers) {
        if (answer.status !== 200) continue;
        const content = new Uint8Array(await answer.arrayBuffer());
        expect([digestOf(new TextEncoder().encode(good.manifest)), good.layer, good.config]).toContain(
          digestOf(content),
        );
        expect(path).not.toContain(evil.digest);
      }
    }
  });
});
