// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8 } from '../../encoding/index.ts';
import { digestOf } from '../digest.ts';
import { MEDIA } from '../media-types.ts';
import type { EmbeddedRegistry } from './app.ts';
import { DirectoryRegistryStorage, embeddedRegistry, MemoryRegistryStorage } from './index.ts';

const config = encodeUtf8('{"os":"linux"}');
const layer = encodeUtf8('0123456789');
const descriptor = (mediaType: string, bytes: Uint8Array) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
const image = {
  schemaVersion: 2,
  mediaType: MEDIA.ociManifest,
  config: descriptor(MEDIA.ociConfig, config),
  layers: [descriptor(MEDIA.ociLayer, layer)],
};
const manifest = encodeUtf8(JSON.stringify(image));

let parent: string;
let directory: string;
let registry: EmbeddedRegistry;
const call = (method: string, path: string, body?: Uint8Array | string, headers: Record<string, string> = {}) =>
  registry.fetch(new Request(`http://registry${path}`, { method, headers, ...(body === undefined ? {} : { body }) }));
const codeOf = async (response: Response) =>
  ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code;
const putBlob = (bytes: Uint8Array, repository = 'a/b') =>
  call('POST', `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`, bytes);
const putManifest = (reference: string, bytes = manifest, type: string = MEDIA.ociManifest) =>
  call('PUT', `/v2/a/b/manifests/${reference}`, bytes, { 'content-type': type });
async function pushed(): Promise<void> {
  expect((await putBlob(config)).status).toBe(201);
  expect((await putBlob(layer)).status).toBe(201);
  expect((await putManifest('1')).status).toBe(201);
}

const storages = {
  memory: () => new MemoryRegistryStorage(),
  directory: () => new DirectoryRegistryStorage(directory),
};

describe.each(Object.entries(storages))('the embedded registry in %s', (kind, makeStorage) => {
  beforeEach(async () => {
    // alone in its parent, which is where a path with dots would lead
    parent = await mkdtemp(join(tmpdir(), 'hallmark-registry-'));
    directory = join(parent, 'registry');
    await mkdir(directory);
    registry = embeddedRegistry(makeStorage());
  });
  afterEach(() => rm(parent, { recursive: true }));

  test('says what it is', async () => {
    const response = await call('GET', '/v2/');
    expect(response.status).toBe(200);
    expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
  });

  test('S22 a request whose host is none is refused, and no failure', async () => {
    const asked = new Request('http://registry/v2/a/b/tags/list');
    Object.defineProperty(asked, 'url', { value: 'http://a:99999/v2/a/b/tags/list' });
    const response = await registry.fetch(asked);
    expect([response.status, await codeOf(response)]).toEqual([400, 'NAME_INVALID']);
  });

  test('a manifest by tag, by digest, and its head', async () => {
    await pushed();
    for (const reference of ['1', digestOf(manifest)]) {
      const response = await call('GET', `/v2/a/b/manifests/${reference}`);
      expect(response.headers.get('docker-content-digest')).toBe(digestOf(manifest));
      expect(response.headers.get('content-type')).toBe(MEDIA.ociManifest);
      expect(digestOf(new Uint8Array(await response.arrayBuffer()))).toBe(digestOf(manifest));
      const head = await call('HEAD', `/v2/a/b/manifests/${reference}`);
      expect(head.headers.get('content-length')).toBe(String(manifest.length));
      expect(await head.text()).toBe('');
    }
  });

  test('a missing manifest is one to the Docker engine too, which goes by the detail', async () => {
    const response = await call('GET', '/v2/a/b/manifests/1');
    expect([response.status, await response.json()]).toEqual([
      404,
      { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {} }] },
    ]);
  });

  test('an upload in chunks, with its state between', async () => {
    const begun = await call('POST', '/v2/a/b/blobs/uploads/');
    expect(begun.status).toBe(202);
    const location = begun.headers.get('location') ?? '';
    const first = await call('PATCH', location, layer.subarray(0, 4), { 'content-range': '0-3' });
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-3']);
    expect((await call('PATCH', location, layer.subarray(4, 8), { 'content-range': '6-9' })).status).toBe(416);
    const state = await call('GET', location);
    expect([state.status, state.headers.get('range')]).toEqual([204, '0-3']);
    expect((await call('PATCH', location, layer.subarray(4, 8), { 'content-range': '4-7' })).status).toBe(202);
    const put = await call('PUT', `${location}?digest=${digestOf(layer)}`, layer.subarray(8), {
      'content-range': '8-9',
    });
    expect([put.status, put.headers.get('docker-content-digest')]).toEqual([201, digestOf(layer)]);
    expect(await (await call('GET', `/v2/a/b/blobs/${digestOf(layer)}`)).text()).toBe('0123456789');
    expect(await codeOf(await call('GET', location))).toBe('BLOB_UPLOAD_UNKNOWN');
  });

  test('an upload that is cancelled is gone', async () => {
    const location = (await call('POST', '/v2/a/b/blobs/uploads/')).headers.get('location') ?? '';
    expect((await call('DELETE', location)).status).toBe(204);
    expect((await call('PATCH', location, layer)).status).toBe(404);
  });

  test('S24 content with another digest is not stored', async () => {
    const wrong = await call('POST', `/v2/a/b/blobs/uploads/?digest=${digestOf(config)}`, layer);
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await call('HEAD', `/v2/a/b/blobs/${digestOf(config)}`)).status).toBe(404);
    await pushed();
    expect(await codeOf(await putManifest(digestOf(layer)))).toBe('DIGEST_INVALID');
  });

  test('a manifest whose parts are missing is not stored', async () => {
    await putBlob(config);
    const response = await putManifest('1');
    expect([response.status, await codeOf(response)]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    const child = { schemaVersion: 2, manifests: [descriptor(MEDIA.ociManifest, manifest)] };
    expect(await codeOf(await putManifest('i', encodeUtf8(JSON.stringify(child)), MEDIA.ociIndex))).toBe(
      'MANIFEST_BLOB_UNKNOWN',
    );
    await pushed();
    expect((await putManifest('i', encodeUtf8(JSON.stringify(child)), MEDIA.ociIndex)).status).toBe(201);
    const resized = { ...image, layers: [{ ...image.layers[0], size: 11 }] };
    expect(await codeOf(await putManifest('s', encodeUtf8(JSON.stringify(resized))))).toBe('MANIFEST_INVALID');
  });

  test('S24 a manifest of a confused type is not stored', async () => {
    await pushed();
    for (const type of [MEDIA.ociIndex, MEDIA.dockerManifest, 'text/plain']) {
      expect(await codeOf(await putManifest('2', manifest, type))).toBe('MANIFEST_INVALID');
    }
    expect((await call('GET', '/v2/a/b/manifests/2')).status).toBe(404);
  });

  test('S23 nothing endless: manifests, blobs and uploads have limits', async () => {
    registry = embeddedRegistry(makeStorage(), { limits: { manifestBytes: 20, blobBytes: 20, uploads: 2 } });
    expect((await putManifest('1')).status).toBe(413);
    expect(await codeOf(await putBlob(manifest))).toBe('SIZE_INVALID');
    const locations: string[] = [];
    for (let i = 0; i < 3; i++)
      locations.push((await call('POST', '/v2/a/b/blobs/uploads/')).headers.get('location') ?? '');
    // the oldest gave way
    const states = await Promise.all(locations.map((location) => call('GET', location)));
    expect(states.map(({ status }) => status)).toEqual([404, 204, 204]);
  });

  test('a blob belongs to its repository: knowing a digest opens no other', async () => {
    await pushed();
    expect((await call('GET', `/v2/other/blobs/${digestOf(layer)}`)).status).toBe(404);
    const mounted = await call('POST', `/v2/other/blobs/uploads/?mount=${digestOf(layer)}&from=a/b`);
    expect(mounted.status).toBe(201);
    expect((await call('GET', `/v2/other/blobs/${digestOf(layer)}`)).status).toBe(200);
    const unknown = await call('POST', `/v2/other/blobs/uploads/?mount=${digestOf(layer)}&from=nothing/here`);
    expect(unknown.status).toBe(202);
  });

  test.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=0-1,4-5', 200, '0123456789', null],
  ])('range %s', async (range, status, body, contentRange) => {
    await putBlob(layer);
    const response = await call('GET', `/v2/a/b/blobs/${digestOf(layer)}`, undefined, { range });
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      body,
      contentRange,
    ]);
  });

  test('a range beyond the end is refused', async () => {
    await putBlob(layer);
    expect((await call('GET', `/v2/a/b/blobs/${digestOf(layer)}`, undefined, { range: 'bytes=10-' })).status).toBe(416);
  });

  test('tags in order, in pages', async () => {
    await pushed();
    for (const tag of ['3', '2']) await putManifest(tag);
    expect(await (await call('GET', '/v2/a/b/tags/list')).json()).toEqual({ name: 'a/b', tags: ['1', '2', '3'] });
    const page = await call('GET', '/v2/a/b/tags/list?n=2');
    expect(page.headers.get('link')).toBe('</v2/a/b/tags/list?n=2&last=2>; rel="next"');
    expect(await (await call('GET', '/v2/a/b/tags/list?n=2&last=2')).json()).toEqual({ name: 'a/b', tags: ['3'] });
    expect((await call('GET', '/v2/a/b/tags/list?n=x')).status).toBe(400);
    expect(await codeOf(await call('GET', '/v2/nothing/tags/list'))).toBe('NAME_UNKNOWN');
  });

  test('deleting a tag leaves the manifest, deleting the manifest takes all its tags', async () => {
    await pushed();
    await putManifest('2');
    expect((await call('DELETE', '/v2/a/b/manifests/2')).status).toBe(202);
    expect((await call('GET', '/v2/a/b/manifests/1')).status).toBe(200);
    expect((await call('DELETE', `/v2/a/b/manifests/${digestOf(manifest)}`)).status).toBe(202);
    expect(await codeOf(await call('GET', '/v2/a/b/manifests/1'))).toBe('MANIFEST_UNKNOWN');
    expect((await call('DELETE', '/v2/a/b/manifests/1')).status).toBe(404);
    expect((await call('DELETE', `/v2/a/b/blobs/${digestOf(layer)}`)).status).toBe(202);
    expect((await call('GET', `/v2/a/b/blobs/${digestOf(layer)}`)).status).toBe(404);
  });

  test('referrers: none, then those that name the subject', async () => {
    await pushed();
    const list = async (query = '') =>
      ((await (await call('GET', `/v2/a/b/referrers/${digestOf(manifest)}${query}`)).json()) as { manifests: object[] })
        .manifests;
    expect(await list()).toEqual([]);
    const proof = encodeUtf8(
      JSON.stringify({ ...image, artifactType: 'proof/x', subject: descriptor(MEDIA.ociManifest, manifest) }),
    );
    expect((await putManifest(digestOf(proof), proof)).headers.get('oci-subject')).toBe(digestOf(manifest));
    expect(await list()).toMatchObject([{ digest: digestOf(proof), size: proof.length, artifactType: 'proof/x' }]);
    expect(await list('?artifactType=other')).toEqual([]);
  });

  test.each([
    ['GET', '/v2/..%2f..%2fetc/manifests/1', 400],
    ['GET', '/v2/A/manifests/1', 400],
    ['GET', '/v2/_tags/manifests/1', 400],
    ['GET', '/v2/a/blobs/sha256:zz', 400],
    ['GET', '/v2/a/blobs/..%2f..%2fx', 400],
    ['GET', '/v2/a/manifests/..%2fx', 404],
    ['PUT', '/v2/a/manifests/-bad', 400],
    ['PATCH', '/v2/a/blobs/uploads/..%2f..%2fx', 404],
    ['GET', '/v2/a/blobs/uploads/x', 404],
    ['GET', '/v2/_catalog', 404],
    ['POST', '/v2/', 405],
    ['GET', '/elsewhere', 404],
  ])('S13 S22 %s %s is answered %d', async (method, path, status) => {
    expect((await call(method, path, method === 'GET' ? undefined : '{}')).status).toBe(status);
    if (kind === 'directory') expect(await readdir(parent)).toEqual(['registry']);
  });

  test('what was pushed outlives the process', async () => {
    if (kind === 'memory') return expect((await call('GET', '/v2/a/b/manifests/1')).status).toBe(404);
    await pushed();
    const begun = (await call('POST', '/v2/a/b/blobs/uploads/')).headers.get('location') ?? '';
    await call('PATCH', begun, layer.subarray(0, 5));
    registry = embeddedRegistry(makeStorage());
    expect((await call('GET', '/v2/a/b/manifests/1')).status).toBe(200);
    expect((await call('PUT', `${begun}?digest=${digestOf(layer)}`, layer.subarray(5))).status).toBe(201);
  });

  test('two requests at once on one upload: one of them is refused', async () => {
    const location = (await call('POST', '/v2/a/b/blobs/uploads/')).headers.get('location') ?? '';
    const answers = await Promise.all([call('PATCH', location, layer), call('PATCH', location, layer)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 416]);
  });

  test('a storage that fails is a 500 without its reason', async () => {
    const seen: unknown[] = [];
    const storage = makeStorage();
    storage.tags = async () => {
      throw new Error('disk at /secret/path');
    };
    registry = embeddedRegistry(storage, { onError: (error) => seen.push(error) });
    const response = await call('GET', '/v2/a/b/tags/list');
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(seen).toHaveLength(1);
  });
});
