// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'bun:test';
import { failureOf } from '../../test/support/refusals.ts';
import { encodeUtf8 } from '../encoding/index.ts';
import { RegistryClient } from './client.ts';
import type { RegistryClientOptions } from './connection.ts';
import { digestOf } from './digest.ts';
import { embeddedRegistry, MemoryRegistryStorage } from './embedded/index.ts';
import { RegistryError, type RegistryErrorCode } from './errors.ts';
import { MEDIA } from './media-types.ts';
import { collect } from './streams.ts';
import type { Transport } from './transport.ts';

const config = encodeUtf8('{"os":"linux"}');
const layer = encodeUtf8('layer');
const contentOf = (bytes: Uint8Array) => ({ digest: digestOf(bytes), size: bytes.length });
const manifest = encodeUtf8(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, ...contentOf(config) },
    layers: [{ mediaType: MEDIA.ociLayer, ...contentOf(layer) }],
  }),
);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A registry without a socket; `bend` may replace any answer. */
function registryWith(
  bend: (
    url: URL,
    init: RequestInit & { method: string; headers: Headers },
  ) => Response | Promise<Response> | undefined = () => undefined,
) {
  const registry = embeddedRegistry(new MemoryRegistryStorage());
  const requests: string[] = [];
  const transport: Transport = async (url, init) => {
    requests.push(`${init.method} ${url}`);
    const bent = await bend(new URL(url), init as RequestInit & { method: string; headers: Headers });
    return bent ?? registry.fetch(new Request(url, { ...init, duplex: 'half' } as RequestInit));
  };
  const options: RegistryClientOptions = {
    host: 'registry.example.com',
    transport,
    resolve: async () => ['203.0.113.1'],
  };
  return { client: new RegistryClient(options), options, requests };
}

async function pushed(client: RegistryClient): Promise<void> {
  await client.uploadBlob('app', contentOf(config), () => once(config));
  await client.uploadBlob('app', contentOf(layer), () => once(layer));
  await client.putManifest('app', '1', MEDIA.ociManifest, manifest);
}

async function failure(work: Promise<unknown>): Promise<RegistryError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RegistryError);
  expect((error as Error).message).not.toContain('\n');
  return error as RegistryError;
}

describe('one registry', () => {
  test('what is pushed is what is pulled', async () => {
    const { client } = registryWith();
    await client.ping();
    await pushed(client);
    const descriptor = { mediaType: MEDIA.ociManifest as string, ...contentOf(manifest) };
    expect(await client.resolve('app', '1')).toEqual(descriptor);
    const fetched = await client.getManifest('app', descriptor.digest, manifest.length);
    expect(fetched.bytes).toEqual(manifest);
    expect(fetched.descriptor).toEqual(descriptor);
    expect(await collect(client.blob('app', contentOf(layer)), 100)).toEqual(layer);
  });

  test('a blob that is there is not sent again', async () => {
    const { client } = registryWith();
    await pushed(client);
    const untouched = (): AsyncIterable<Uint8Array> => {
      throw new Error('read');
    };
    expect(await client.uploadBlob('app', contentOf(layer), untouched)).toBe('exists');
  });

  test('a large blob streams in one PATCH', async () => {
    const { client, requests } = registryWith();
    const piece = new Uint8Array(1024 * 1024).fill(7);
    const whole = new Uint8Array(5 * 1024 * 1024).fill(7);
    const pieces = async function* () {
      for (let i = 0; i < 5; i++) yield piece;
    };
    expect(await client.uploadBlob('app', contentOf(whole), pieces)).toBe('pushed');
    expect(requests.filter((line) => line.startsWith('PATCH'))).toHaveLength(1);
    expect(await client.hasBlob('app', contentOf(whole).digest)).toBe(true);
  });

  test('S24 a source that is not what it claims to be leaves nothing in the registry', async () => {
    const { client, requests } = registryWith();
    const error = await failure(client.uploadBlob('app', contentOf(layer), () => once(encodeUtf8('LAYER'))));
    expect(error.code).toBe('digest-mismatch');
    expect(requests.at(-1)).toStartWith('DELETE');
    expect(await client.hasBlob('app', contentOf(layer).digest)).toBe(false);
  });

  test('a large source that breaks off ends the upload with its own error', async () => {
    const broken = new Error('disk');
    const { client } = registryWith();
    const pieces = async function* () {
      yield new Uint8Array(1024);
      throw broken;
    };
    const expected = { digest: digestOf(layer), size: 9_000_000 };
    expect(await client.uploadBlob('app', expected, pieces).catch((error: unknown) => error)).toBe(broken);
  });

  test('tags come page by page', async () => {
    const { client, requests } = registryWith();
    await pushed(client);
    for (const tag of ['2', '3']) await client.putManifest('app', tag, MEDIA.ociManifest, manifest);
    expect(await Array.fromAsync(client.tags('app', 2))).toEqual(['1', '2', '3']);
    expect(requests.filter((line) => line.includes('/tags/list'))).toHaveLength(2);
  });

  test('a deleted manifest is gone, and so are its tags', async () => {
    const { client } = registryWith();
    await pushed(client);
    await client.deleteManifest('app', digestOf(manifest));
    expect(await failure(client.getManifest('app', '1'))).toMatchObject({
      code: 'not-found',
      status: 404,
      repository: 'app',
    });
  });

  test('HEAD without a digest is asked again with GET', async () => {
    const { client } = registryWith((_url, { method }) => (method === 'HEAD' ? new Response(null) : undefined));
    // the upload's HEAD is bent as well, so the blobs go in through an honest client
    const honest = registryWith();
    await pushed(honest.client);
    const bent = new RegistryClient({
      ...honest.options,
      transport: (url, init) =>
        init.method === 'HEAD' && url.includes('/manifests/')
          ? Promise.resolve(new Response(null))
          : (honest.options.transport as Transport)(url, init),
    });
    expect((await bent.resolve('app', '1')).digest).toBe(digestOf(manifest));
    await client.ping();
  });
});

describe('a registry that lies', () => {
  const served = (body: string | Uint8Array | ReadableStream<Uint8Array>, headers: Record<string, string> = {}) =>
    registryWith(() => new Response(body, { headers: { 'content-type': MEDIA.ociManifest, ...headers } })).client;

  test('S24 another manifest under the digest is refused', async () => {
    const other = served(`${Buffer.from(manifest)} `);
    expect((await failure(other.getManifest('app', digestOf(manifest)))).code).toBe('digest-mismatch');
    expect((await failure(other.getManifest('app', digestOf(manifest), manifest.length))).code).toBe('length-mismatch');
  });

  test('S24 a digest header that the content does not have is refused', async () => {
    const lying = served(manifest, { 'docker-content-digest': digestOf(layer) });
    expect((await failure(lying.getManifest('app', '1'))).code).toBe('digest-mismatch');
  });

  test('S24 an index in an image’s clothes is refused', async () => {
    expect((await failure(served(manifest, { 'content-type': MEDIA.ociIndex }).getManifest('app', '1'))).code).toBe(
      'malformed',
    );
  });

  test('S23 endless manifest is cut off', async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024 * 1024;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    expect((await failure(served(endless).getManifest('app', '1'))).code).toBe('too-large');
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  test('S24 a blob altered, cut short or too long is refused', async () => {
    for (const [body, code] of [
      ['LAYER', 'digest-mismatch'],
      ['lay', 'length-mismatch'],
      ['layers', 'length-mismatch'],
    ] as const) {
      const error = await failure(collect(served(body).blob('app', contentOf(layer)), 100));
      expect(error).toMatchObject({ code, host: 'registry.example.com', repository: 'app' });
    }
  });

  test('a manifest stored under another digest is noticed', async () => {
    const { client } = registryWith(
      () => new Response(null, { status: 201, headers: { 'docker-content-digest': digestOf(layer) } }),
    );
    expect((await failure(client.putManifest('app', '1', MEDIA.ociManifest, manifest))).code).toBe('digest-mismatch');
  });

  test('S33 an upload is not sent to another host', async () => {
    const headers = { location: 'https://evil.example.net/upload' };
    const { client, requests } = registryWith((_url, { method }) =>
      method === 'POST' ? new Response(null, { status: 202, headers }) : undefined,
    );
    expect((await failure(client.uploadBlob('app', contentOf(layer), () => once(layer)))).code).toBe(
      'redirect-refused',
    );
    expect(requests.filter((line) => line.includes('evil'))).toEqual([]);
  });

  test('S34 the next page of tags is not fetched from elsewhere', async () => {
    const { client, requests } = registryWith(() =>
      Response.json(
        { tags: ['1'] },
        { headers: { link: '<https://evil.example.net/v2/app/tags/list?last=1>; rel="next"' } },
      ),
    );
    expect(await Array.fromAsync(client.tags('app'))).toEqual(['1']);
    expect(requests).toHaveLength(1);
  });

  test.each<[number, RegistryErrorCode]>([
    [401, 'unauthorized'],
    [403, 'denied'],
    [404, 'not-found'],
    [429, 'rate-limited'],
    [418, 'rejected'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('status %d is %s', async (status, code) => {
    const { client } = registryWith(() => new Response('<html>', { status }));
    expect(await failure(client.getManifest('app', '1'))).toMatchObject({ code, status });
  });

  test('the registry’s own words are passed on, on one line and without control characters', async () => {
    const errors = [{ code: 'DENIED', message: 'content trust:\n\u001b[31mno\u202e' }];
    const { client } = registryWith(() => Response.json({ errors }, { status: 403 }));
    const error = await failure(client.getManifest('app', '1'));
    expect(error.message).toBe('registry registry.example.com: manifest app:1: denied: content trust: [31mno');
  });
});

describe('time', () => {
  test('S32 a registry that never answers is given up', async () => {
    const { options } = registryWith(() => new Promise<Response>(() => undefined));
    const client = new RegistryClient({ ...options, timeouts: { answer: 20 } });
    expect((await failure(client.getManifest('app', '1'))).code).toBe('timeout');
  });

  test('S32 a body in which nothing moves is given up', async () => {
    const stuck = () => new ReadableStream<Uint8Array>({ pull: () => new Promise<void>(() => undefined) });
    const { options } = registryWith(() => new Response(stuck(), { headers: { 'content-type': MEDIA.ociManifest } }));
    const client = new RegistryClient({ ...options, timeouts: { idle: 20 } });
    expect((await failure(client.getManifest('app', '1'))).code).toBe('timeout');
    expect((await failure(collect(client.blob('app', contentOf(layer)), 10))).code).toBe('timeout');
  });

  test('whoever types a passphrase into a credential helper is not hurried', async () => {
    const { options } = registryWith((_url, { headers }) =>
      headers.has('authorization')
        ? Response.json({})
        : new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    );
    const credentials = async () => {
      await new Promise((resolve) => setTimeout(resolve, 80));
      return { kind: 'basic', username: 'u', password: 'p' } as const;
    };
    const client = new RegistryClient({ ...options, credentials, timeouts: { answer: 30 } });
    expect(await failureOf(client.ping())).toBeUndefined();
  });

  test('a mistake in the program is not blamed on the network', async () => {
    const mistake = new TypeError('x is not a function');
    const { options } = registryWith(
      () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic x=y' } }),
    );
    const credentials = () => Promise.reject(mistake);
    expect(await failureOf(new RegistryClient({ ...options, credentials }).ping())).toBe(mistake);
  });

  test('what the caller gives up ends with the caller’s reason', async () => {
    const reason = new Error('ctrl-c');
    const { options } = registryWith(() => new Promise<Response>(() => undefined));
    const controller = new AbortController();
    const work = new RegistryClient({ ...options, signal: controller.signal }).getManifest('app', '1');
    controller.abort(reason);
    expect(await failureOf(work)).toBe(reason);
  });
});

describe('redirects', () => {
  const moved = (location: string, seen: string[] = []) =>
    registryWith((url, { headers }) => {
      if (url.host === 'registry.example.com') {
        return headers.has('authorization')
          ? new Response(null, { status: 307, headers: { location } })
          : new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
      }
      seen.push(`${url.host} ${headers.get('authorization')}`);
      return new Response(layer);
    });
  const reading = ({ options }: ReturnType<typeof registryWith>, more: Partial<RegistryClientOptions> = {}) => {
    const credentials = async () => ({ kind: 'basic', username: 'u', password: 'p' }) as const;
    return collect(new RegistryClient({ ...options, credentials, ...more }).blob('app', contentOf(layer)), 100);
  };

  test('S33 content may lie elsewhere, and the credentials stay behind', async () => {
    const seen: string[] = [];
    expect(await reading(moved('https://storage.example.net/blob', seen))).toEqual(layer);
    expect(seen).toEqual(['storage.example.net null']);
  });

  test.each([
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://169.254.169.254/latest/meta-data',
    'https://10.1.2.3/x',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://[fd00::1]/x',
    'https://0x7f000001/x',
    'http://storage.example.net/x',
    'https://user:pw@storage.example.net/x',
    'file:///etc/passwd',
    'https://',
  ])('S34 not to %s', async (location) => {
    const seen: string[] = [];
    expect((await failure(reading(moved(location, seen)))).code).toBe('redirect-refused');
    expect(seen).toEqual([]);
  });

  test('S34 not to a name whose address is private, unless the registry is at home there', async () => {
    const inside = moved('https://storage.internal/x');
    const resolve = async (host: string) =>
      host === 'storage.internal' ? ['203.0.113.9', '10.0.0.9'] : ['203.0.113.1'];
    expect((await failure(reading(inside, { resolve }))).code).toBe('redirect-refused');
    expect(await reading(inside, { resolve: async () => ['10.0.0.9'] })).toEqual(layer);
  });

  test('S34 no redirect in circles, and none of a write', async () => {
    const circle = registryWith(() => new Response(null, { status: 302, headers: { location: '/v2/again' } }));
    expect((await failure(collect(circle.client.blob('app', contentOf(layer)), 10))).code).toBe('redirect-refused');
    expect(circle.requests.length).toBeLessThan(10);
    expect((await failure(circle.client.putManifest('app', '1', MEDIA.ociManifest, manifest))).code).toBe(
      'redirect-refused',
    );
  });
});

describe('where to', () => {
  test('http is spoken on loopback only, and only if nothing there speaks https', async () => {
    const { options, requests } = registryWith((url) => {
      if (url.protocol === 'https:') throw Object.assign(new Error('no TLS'), { code: 'ECONNRESET' });
      return undefined;
    });
    await new RegistryClient({ ...options, host: 'localhost:5000' }).ping();
    expect(requests).toEqual(['GET https://localhost:5000/v2/', 'GET http://localhost:5000/v2/']);
    const remote = new RegistryClient({ ...options, host: 'registry.example.com' });
    expect((await failure(remote.ping())).code).toBe('unavailable');
    expect(requests.filter((line) => line.includes('http://registry'))).toEqual([]);
  });

  test('a certificate that is not accepted is no reason for http', async () => {
    const { options } = registryWith((url) => {
      if (url.protocol === 'https:') throw Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
      return undefined;
    });
    const error = await failure(new RegistryClient({ ...options, host: 'localhost:5000' }).ping());
    expect(error.message).toBe('registry localhost:5000: API version 2: certificate signed by unknown authority');
  });

  test.each(['', 'a/b', 'user@host', 'host?x', 'http://x'])('%j is no registry host', (host) => {
    expect(() => new RegistryClient({ host })).toThrow(RegistryError);
  });

  test('S12 a name that would leave the path is not sent', async () => {
    const { client, requests } = registryWith();
    expect((await failure(client.getManifest('../etc', '1'))).code).toBe('malformed');
    expect((await failure(client.getManifest('app', '../../x'))).code).toBe('malformed');
    expect(requests).toEqual([]);
  });
});
