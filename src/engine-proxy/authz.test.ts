// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { EngineError } from '../engine/index.ts';
import type { Decision } from '../policy/index.ts';
import { authzPlugin, ImageJudge } from './index.ts';

const GOOD = `sha256:${'ab'.repeat(32)}`;

/** What the plugin says of a request of the engine, where `app:1` is signed and lies in the engine as `lying`. */
async function verdict(
  method: string,
  uri: string,
  body: string | undefined,
  lying = 'one',
  { isPulled = true, type = 'application/json', length = String(body?.length ?? 0) as string | null } = {},
): Promise<unknown> {
  const decide = async (image: unknown) =>
    (image === 'app:1'
      ? { outcome: 'allow', verified: true, digest: GOOD }
      : image === `app:1@${GOOD}`
        ? { outcome: 'allow', verified: true, digest: GOOD }
        : image === 'cafe'
          ? { outcome: 'allow', verified: false, digest: undefined }
          : { outcome: 'deny', code: 'unsigned', step: 'digest', message: 'not signed' }) as Decision;
  const inspectImage = async (name: string) => {
    if (!isPulled && name.includes('@')) throw new EngineError('not-found', 'no such image');
    return imageCalled(name);
  };
  const imageCalled = (name: string) => ({
    id: name.includes('@') ? 'one' : lying,
    repoTags: [],
    repoDigests: [],
    os: 'linux',
    architecture: 'amd64',
  });
  const plugin = authzPlugin(new ImageJudge({ decide }, { inspectImage }), (error) => {
    throw error;
  });
  const asked = {
    RequestMethod: method,
    RequestUri: uri,
    RequestHeaders: { 'Content-Type': type, ...(length === null ? {} : { 'Content-Length': length }) },
    ...(body === undefined ? {} : { RequestBody: Buffer.from(body).toString('base64') }),
  };
  const request = { url: '/AuthZPlugin.AuthZReq', method: 'POST', text: async () => JSON.stringify(asked) };
  return (await plugin(request as unknown as Request)).json();
}

test('the engine names its socket for a host, and is answered', async () => {
  const plugin = authzPlugin(
    new ImageJudge({ decide: () => Promise.reject() }, { inspectImage: () => Promise.reject() }),
    () => {},
  );
  for (const url of ['/Plugin.Activate', 'http://%2Frun%2Fdocker%2Fplugins%2Fhallmark.sock/Plugin.Activate'])
    expect(await (await plugin({ url, method: 'POST' } as Request)).json()).toEqual({ Implements: ['authz'] });
});

test('what is signed may be pulled, and run if it is what lies there under the name', async () => {
  expect(await verdict('POST', '/v1.41/images/create?fromImage=app&tag=1', undefined)).toEqual({ Allow: true });
  expect(await verdict('POST', '/v1.41/containers/create', '{"Image":"app:1"}')).toEqual({ Allow: true });
});

test('what is not signed, or another image under a signed name, is refused', async () => {
  const refused = { Allow: false, Msg: expect.stringContaining('content trust: ') };
  expect(await verdict('POST', '/v1.41/images/create?fromImage=evil&tag=1', undefined)).toEqual(refused);
  expect(await verdict('POST', '/v1.41/containers/create', '{"Image":"evil:1"}')).toEqual(refused);
  expect(await verdict('POST', '/v1.41/containers/create', '{"Image":"app:1"}', 'another')).toEqual(refused);
});

test('S11 a container whose body the engine did not show is refused (CVE-2024-41110)', async () => {
  for (const body of [undefined, '', '{}'])
    expect(await verdict('POST', '/v1.41/containers/create', body)).toMatchObject({ Allow: false });
});

test('S24 another image under a signed name is refused, also where the signed one was never pulled', async () => {
  const asked = ['POST', '/v1.41/containers/create', '{"Image":"app:1"}', 'another'] as const;
  expect(await verdict(...asked, { isPulled: false })).toMatchObject({ Allow: false });
});

test('S24 a service names its image by digest: nodes pull a tag from the registry', async () => {
  const service = (image: string) => JSON.stringify({ TaskTemplate: { ContainerSpec: { Image: image } } });
  const create = (image: string) => verdict('POST', '/v1.41/services/create', service(image));
  expect(await create('app:1')).toMatchObject({ Allow: false, Msg: expect.stringContaining(`app:1@${GOOD}`) });
  expect(await create('evil:1')).toMatchObject({ Allow: false });
  expect(await create(`app:1@${GOOD}`)).toEqual({ Allow: true });
  // a node that finds no such name takes it for the beginning of an ID
  expect(await create('cafe')).toMatchObject({ Allow: false, Msg: expect.stringContaining('library/cafe:latest') });
});

test('S24 a plugin is named by its digest, since it runs as soon as it is there', async () => {
  for (const path of ['/v1.41/plugins/pull', '/v1.41/plugins/mine/upgrade']) {
    const pull = (remote: string) => verdict('POST', `${path}?remote=${encodeURIComponent(remote)}`, '[]');
    expect(await pull('app:1')).toMatchObject({ Allow: false, Msg: expect.stringContaining(`app:1@${GOOD}`) });
    for (const remote of ['evil:1', '']) expect(await pull(remote)).toMatchObject({ Allow: false });
    expect(await pull(`app:1@${GOOD}`)).toEqual({ Allow: true });
  }
});

test('S24 an address with letters beyond ASCII is refused: cut to bytes they would be other letters', async () => {
  // U+013F cut to a byte is a question mark, which would end the path here and not in the engine
  for (const uri of [
    '/v1.41/plugins/x\u013fy/upgrade?remote=evil%3A1',
    '/v1.41/images/create?\u0166romImage=app&tag=1',
  ])
    expect(await verdict('POST', uri, '[]')).toMatchObject({ Allow: false });
});

test('S24 a digest in the name of a pull with a tag beside it is refused: the engine takes the digest', async () => {
  for (const tag of ['1', GOOD])
    expect(
      await verdict(
        'POST',
        `/v1.41/images/create?fromImage=app%3A1%40sha256%3A${'ef'.repeat(32)}&tag=${tag}`,
        undefined,
      ),
    ).toMatchObject({ Allow: false });
});

test('S11 a pull whose parameters may stand in a form, which no plugin is shown, is refused', async () => {
  for (const type of [
    'application/x-www-form-urlencoded',
    '\u0085application/x-www-form-urlencoded',
    'appl\u0130cation/x-www-form-urlencoded',
  ])
    expect(await verdict('POST', '/v1.41/images/create', undefined, 'one', { type })).toMatchObject({ Allow: false });
});

test('S24 a pull with a body is refused: the engine shows the last of two media types, and goes by the first', async () => {
  const pull = (length: string | null) =>
    verdict('POST', '/v1.41/images/create?fromImage=app&tag=1', undefined, 'one', { type: 'text/plain', length });
  expect(await pull('0')).toEqual({ Allow: true });
  // chunked, of which the engine tells nothing
  for (const length of ['32', null, ' 0', '00', ''])
    expect(await pull(length)).toMatchObject({ Allow: false, Msg: expect.stringContaining('Content-Length: 0') });
});
