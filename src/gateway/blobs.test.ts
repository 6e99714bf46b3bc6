// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayStage, type StoredImage } from '../../test/support/gateway-stage.ts';
import { rule } from '../../test/support/policy-stage.ts';
import { parseRange } from './range.ts';

let stage: GatewayStage;
let image: StoredImage;
let content: Uint8Array<ArrayBuffer>;

beforeEach(async () => {
  stage = new GatewayStage();
  content = new Uint8Array(Array.from({ length: 300_000 }, (_, at) => (at * 7) & 255));
  image = await stage.image('acme/app', '1', content);
  await stage.sign('acme/app', '1', image.manifest);
});
afterEach(() => stage.closeAll());

const path = (digest: string) => `/v2/acme/app/blobs/${digest}`;
const files = () =>
  readdirSync(join(stage.directory, 'blobs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 40);
const layerRequests = () => stage.upstream.filter((line) => line.endsWith(image.layer)).length;

async function opened(options: Parameters<GatewayStage['gateway']>[1] = { blobs: 'cache' }) {
  const ask = await stage.gateway(rule(''), options);
  await ask('/v2/acme/app/manifests/1');
  return ask;
}

describe('cache', () => {
  test('a layer is fetched once, kept under its digest, and served whole or in part', async () => {
    const ask = await opened();
    expect(new Uint8Array(await (await ask(path(image.layer))).arrayBuffer())).toEqual(content);
    const whole = await ask(path(image.layer));
    expect([whole.headers.get('accept-ranges'), new Uint8Array(await whole.arrayBuffer())]).toEqual(['bytes', content]);
    const part = await ask(path(image.layer), { headers: { range: 'bytes=100-199' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100-199/300000']);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(content.subarray(100, 200));
    const beyond = await ask(path(image.layer), { headers: { range: 'bytes=300000-' } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */300000']);
    expect(layerRequests()).toBe(1);
  });

  test('a part of what is not kept yet is answered from the checked whole', async () => {
    const ask = await opened();
    const part = await ask(path(image.layer), { headers: { range: 'bytes=-5' } });
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(content.subarray(-5));
    expect(files()).toHaveLength(1);
  });

  test('many at once cause one download', async () => {
    const ask = await opened();
    const all = await Promise.all(Array.from({ length: 20 }, async () => (await ask(path(image.layer))).arrayBuffer()));
    expect(all.every((bytes) => bytes.byteLength === content.length)).toBe(true);
    expect(layerRequests()).toBe(1);
  });

  test('one who leaves half-way leaves nothing behind, and keeps nobody from it', async () => {
    const ask = await opened();
    const reader = (await ask(path(image.layer))).body?.getReader();
    await reader?.cancel();
    expect(files()).toEqual([]);
    expect((await (await ask(path(image.layer))).arrayBuffer()).byteLength).toBe(content.length);
  });

  test('holds no more than it may: what was not used for longest goes first', async () => {
    const other = await stage.image(
      'acme/app',
      '2',
      content.map((byte) => byte ^ 1),
    );
    await stage.sign('acme/app', '2', other.manifest);
    const ask = await opened({ blobs: 'cache', cacheBytes: 400_000 });
    await ask('/v2/acme/app/manifests/2');
    for (const digest of [image.layer, other.layer]) await (await ask(path(digest))).arrayBuffer();
    expect(files().map((name) => name.slice(-64))).toEqual([other.layer.slice(7)]);
  });

  test('a blob for which there can be no room is passed on, and no other goes for it', async () => {
    await (await (await opened())(path(image.layer))).arrayBuffer();
    const small = await stage.image('acme/app', '2', 'small');
    await stage.sign('acme/app', '2', small.manifest);
    const ask = await opened({ blobs: 'cache', cacheBytes: 200_000 });
    await ask('/v2/acme/app/manifests/2');
    await (await ask(path(small.layer))).arrayBuffer();
    expect(new Uint8Array(await (await ask(path(image.layer))).arrayBuffer())).toEqual(content);
    expect(files().map((name) => name.slice(-64))).toEqual([small.layer.slice(7)]);
  });

  test('outlives the process; half-written files do not, and a file of another length is not served', async () => {
    await (await (await opened())(path(image.layer))).arrayBuffer();
    writeFileSync(join(stage.directory, 'blobs', `${'a'.repeat(16)}.tmp`), 'half');
    const again = await opened();
    expect(readdirSync(join(stage.directory, 'blobs'))).toEqual(['sha256']);
    await (await again(path(image.layer))).arrayBuffer();
    expect(layerRequests()).toBe(1);
    writeFileSync(join(stage.directory, 'blobs', files()[0] ?? ''), 'short');
    expect((await (await again(path(image.layer))).arrayBuffer()).byteLength).toBe(content.length);
    expect(layerRequests()).toBe(2);
  });

  test('S38 that cannot be written keeps nobody from a blob: it is passed on, whole, small ones and parts too', async () => {
    const ask = await opened();
    const directory = join(stage.directory, 'blobs');
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'in the way');
    for (let time = 0; time < 2; time++)
      expect(new Uint8Array(await (await ask(path(image.layer))).arrayBuffer())).toEqual(content);
    expect((await ask(path(image.config))).status).toBe(200);
    const part = await ask(path(image.layer), { headers: { range: 'bytes=5-9' } });
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([200, content]);
    stage.tamper = (where) => (where.endsWith(image.config) ? new Response('evil') : undefined);
    expect((await ask(path(image.config))).status).toBe(403);
  });

  test('S24 a file that was cut off while nobody looked is fetched again, not served', async () => {
    await (await (await opened())(path(image.layer))).arrayBuffer();
    writeFileSync(join(stage.directory, 'blobs', files()[0] ?? ''), content.subarray(1));
    const again = await opened();
    expect(new Uint8Array(await (await again(path(image.layer))).arrayBuffer())).toEqual(content);
    expect(new Uint8Array(await (await again(path(image.layer))).arrayBuffer())).toEqual(content);
    expect(layerRequests()).toBe(2);
  });

  test('removes nothing that it did not make: an OCI layout in its directory stays as it is', async () => {
    const directory = join(stage.directory, 'blobs');
    const others = [`sha256/${'a'.repeat(64)}`, 'sha256/ab/abcd', 'notes.tmp'];
    mkdirSync(join(directory, 'sha256', 'ab'), { recursive: true });
    for (const name of others) writeFileSync(join(directory, name), 'of somebody else');
    const ask = await opened();
    await (await ask(path(image.layer))).arrayBuffer();
    for (const name of others) expect(readFileSync(join(directory, name), 'utf8')).toBe('of somebody else');
  });

  test('is no way to a blob of a repository that does not hold it', async () => {
    await (await (await opened())(path(image.layer))).arrayBuffer();
    const ask = await opened();
    expect((await ask(`/v2/acme/other/blobs/${image.layer}`)).status).toBe(403);
  });
});

describe('redirect', () => {
  test('sends the engine where the registry would, and serves itself where the registry does', async () => {
    const ask = await opened({ blobs: 'redirect' });
    expect((await (await ask(path(image.layer))).arrayBuffer()).byteLength).toBe(content.length);
    const store = 'https://store.example.net/x?signature=1';
    stage.tamper = (where) =>
      where.endsWith(image.layer) ? new Response(null, { status: 307, headers: { location: store } }) : undefined;
    const sent = await ask(path(image.layer));
    expect([sent.status, sent.headers.get('location')]).toEqual([307, store]);
    stage.tamper = (where) =>
      where.endsWith(image.layer)
        ? new Response(null, { status: 307, headers: { location: 'http://10.0.0.1/' } })
        : undefined;
    expect((await ask(path(image.layer))).status).toBe(403);
  });

  test('only to what was admitted', async () => {
    const other = await stage.image('acme/app', '9', 'unsigned');
    const ask = await opened({ blobs: 'redirect' });
    expect((await ask(path(other.layer))).status).toBe(403);
  });
});

test('proxy passes a part over and sends the whole, since only the whole can be checked', async () => {
  const ask = await opened({ blobs: 'proxy' });
  const response = await ask(path(image.layer), { headers: { range: 'bytes=5-9' } });
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, content.length]);
});

test.each([
  ['bytes=0-4', { from: 0, to: 4 }],
  ['bytes=5-', { from: 5, to: 9 }],
  ['bytes=-3', { from: 7, to: 9 }],
  ['bytes=-30', { from: 0, to: 9 }],
  ['bytes=8-100', { from: 8, to: 9 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', undefined],
  ['bytes=0-1,3-4', undefined],
  ['items=0-1', undefined],
  ['bytes=-', undefined],
] as const)('range %s of ten bytes', (header, expected) => {
  expect(parseRange(header, 10)).toEqual(expected as never);
});
