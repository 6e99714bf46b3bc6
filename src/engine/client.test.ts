// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureOf } from '../../test/support/refusals.ts';
import { digestOf, parseReference } from '../registry/index.ts';
import { EngineClient } from './client.ts';
import { parseEndpoint } from './endpoint.ts';
import { EngineError } from './errors.ts';
import type { EngineProgress } from './progress.ts';
import { registryAuthHeader } from './registry-auth.ts';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly auth: string | undefined;
  readonly body: string;
}

const reference = parseReference('localhost:5000/team/app:1');
const digest = digestOf(new Uint8Array([1]));
const lines = (...messages: object[]) => messages.map((message) => `${JSON.stringify(message)}\r\n`).join('');

let directory: string;
let server: http.Server;
let engine: EngineClient;
let calls: Call[];
let apiVersion: string;
let answer: (call: Call, response: ServerResponse) => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'engine-'));
  calls = [];
  apiVersion = '1.41';
  answer = (_call, response) => response.end();
  server = http.createServer((request, response) => void serve(request, response));
  const socket = join(directory, 'docker.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  engine = new EngineClient(parseEndpoint(`unix://${socket}`));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const url = new URL(request.url ?? '/', 'http://docker');
  if (url.pathname === '/_ping') {
    response.setHeader('api-version', apiVersion);
    response.end('OK');
    return;
  }
  const call = {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    auth: request.headers['x-registry-auth'] as string | undefined,
    body: Buffer.concat(chunks).toString(),
  };
  calls.push(call);
  answer(call, response);
}

async function failure(work: Promise<unknown>): Promise<EngineError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect((error as Error).message).not.toContain('\n');
  return error as EngineError;
}

const respond = (status: number, body: string) => {
  answer = (_call, response) => {
    response.statusCode = status;
    response.end(body);
  };
};

describe('the docker engine', () => {
  test('the API version is the highest that both speak', async () => {
    for (const [theirs, ours] of [
      ['1.41', '1.41'],
      ['1.99', '1.47'],
      ['nonsense', '1.24'],
    ] as const) {
      apiVersion = theirs;
      expect(await new EngineClient(parseEndpoint(`unix://${join(directory, 'docker.sock')}`)).version()).toBe(ours);
    }
  });

  test('pulls by digest, so that the engine resolves no tag', async () => {
    respond(
      200,
      lines(
        { status: 'Downloading', id: 'abc', progressDetail: { current: 1, total: 2 } },
        { status: 'Pull complete', id: 'abc' },
      ),
    );
    const seen: EngineProgress[] = [];
    await engine.pull(reference, digest, {
      platform: 'linux/arm64',
      registryAuth: 'token',
      onProgress: (progress) => seen.push(progress),
    });
    expect(calls).toEqual([
      {
        method: 'POST',
        path: '/v1.41/images/create',
        query: { fromImage: 'localhost:5000/team/app', tag: digest, platform: 'linux/arm64' },
        auth: 'token',
        body: '',
      },
    ]);
    expect(seen).toEqual([
      { status: 'Downloading', id: 'abc', current: 1, total: 2 },
      { status: 'Pull complete', id: 'abc' },
    ]);
  });

  test('an error after 200 is an error', async () => {
    respond(
      200,
      lines({ status: 'Pulling' }, { errorDetail: { message: 'manifest unknown\nreally' }, error: 'manifest unknown' }),
    );
    expect(await failure(engine.pull(reference, digest))).toMatchObject({
      code: 'pull-failed',
      message: 'manifest unknown really',
    });
    expect((await failure(engine.push(reference, '1'))).code).toBe('push-failed');
  });

  test('an answer cut off in the middle is no success', async () => {
    respond(200, `${lines({ status: 'Pulling' })}{"status":"Dow`);
    expect((await failure(engine.pull(reference, digest))).code).toBe('malformed');
    answer = (_call, response) => {
      response.setHeader('content-length', '1000');
      response.write(lines({ status: 'Pulling' }));
      setImmediate(() => response.destroy());
    };
    expect((await failure(engine.pull(reference, digest))).code).toBe('pull-failed');
  });

  test('S23 an endless line is cut off', async () => {
    respond(200, `{"status":"${'x'.repeat(2_000_000)}"}`);
    expect((await failure(engine.pull(reference, digest))).code).toBe('malformed');
  });

  test('what a push stored: from aux, and from the last status line where there is no aux', async () => {
    respond(200, lines({ status: 'Pushed', id: 'abc' }, { aux: { Tag: '1', Digest: digest, Size: 737 } }));
    expect(await engine.push(reference, '1')).toEqual({ pushed: [{ tag: '1', digest, size: 737 }] });
    respond(200, lines({ status: `1: digest: ${digest} size: 737` }, { status: `2: digest: ${digest} size: 737` }));
    expect((await engine.push(reference, undefined)).pushed.map(({ tag }) => tag)).toEqual(['1', '2']);
    expect(calls.map(({ path, query, auth }) => [path, query, auth])).toEqual([
      ['/v1.41/images/localhost:5000/team/app/push', { tag: '1' }, 'e30='],
      ['/v1.41/images/localhost:5000/team/app/push', {}, 'e30='],
    ]);
  });

  test('a push of one platform in place of the index is told', async () => {
    const aux = { manifestPushedInsteadOfIndex: true, originalIndex: { digest }, selectedManifest: { digest } };
    respond(200, lines({ aux }, { status: `1: digest: ${digest} size: 5` }));
    expect((await engine.push(reference, '1')).insteadOfIndex).toEqual({ index: digest, manifest: digest });
    respond(
      200,
      lines({ aux: { Tag: '1', Digest: 'sha256:zz', Size: 5 } }, { status: '1: digest: sha256:zz size: 5' }),
    );
    expect((await engine.push(reference, '1')).pushed).toEqual([]);
  });

  test('tags, inspects, removes', async () => {
    await engine.tag(`localhost:5000/team/app@${digest}`, reference, '1');
    respond(
      200,
      JSON.stringify({ Id: digest, RepoTags: ['a:1'], RepoDigests: null, Os: 'linux', Architecture: 'amd64' }),
    );
    expect(await engine.inspectImage('a:1')).toEqual({
      id: digest,
      repoTags: ['a:1'],
      repoDigests: [],
      os: 'linux',
      architecture: 'amd64',
    });
    await engine.removeImage('a/b?x#y', { noPrune: true });
    expect(calls.map(({ method, path, query }) => [method, path, query])).toEqual([
      ['POST', `/v1.41/images/localhost:5000/team/app@${digest}/tag`, { repo: 'localhost:5000/team/app', tag: '1' }],
      ['GET', '/v1.41/images/a:1/json', {}],
      ['DELETE', '/v1.41/images/a/b%3Fx%23y', { noprune: '1' }],
    ]);
  });

  test('loads an archive as it streams', async () => {
    respond(200, lines({ stream: 'Loaded image: app:1\n' }));
    const content = async function* () {
      for (const text of ['one', 'two']) yield Buffer.from(text);
    };
    expect(await engine.load(content())).toEqual(['app:1']);
    expect(calls[0]).toMatchObject({ path: '/v1.41/images/load', body: 'onetwo' });
  });

  test('an archive that breaks off is not loaded, and its own error comes through', async () => {
    const broken = new Error('disk');
    const content = async function* () {
      yield Buffer.from('one');
      throw broken;
    };
    expect(await failureOf(engine.load(content()))).toBe(broken);
  });

  test.each([
    [404, '{"message":"No such image: x:1"}', 'not-found', 'No such image: x:1'],
    [500, '{"message":"boom\\n"}', 'refused', 'boom'],
    [500, '<html>', 'refused', 'the Docker daemon answered 500'],
  ] as const)('status %d with %s', async (status, body, code, message) => {
    respond(status, body);
    expect(await failure(engine.inspectImage('x:1'))).toMatchObject({ code, message, status });
  });

  test('no engine: Docker’s own words', async () => {
    const absent = `unix://${join(directory, 'absent.sock')}`;
    const error = await failure(new EngineClient(parseEndpoint(absent)).pull(reference, digest));
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `Cannot connect to the Docker daemon at ${absent}. Is the docker daemon running?`,
    });
  });

  test('giving up ends a pull under way', async () => {
    const controller = new AbortController();
    answer = (_call, response) => {
      response.write(lines({ status: 'Pulling' }));
    };
    const work = engine.pull(reference, digest, { signal: controller.signal, onProgress: () => controller.abort() });
    expect(await failureOf(work)).toBeInstanceOf(Error);
  });
});

test('the header for a login is base64url of JSON', () => {
  const read = (header: string) => JSON.parse(Buffer.from(header, 'base64url').toString());
  const basic = { kind: 'basic', username: 'ann', password: '??>>ÿ' } as const;
  expect(registryAuthHeader(basic, 'localhost:5000')).not.toMatch(/[+/]/);
  expect(read(registryAuthHeader(basic, 'localhost:5000'))).toEqual({
    username: 'ann',
    password: '??>>ÿ',
    serveraddress: 'localhost:5000',
  });
  expect(read(registryAuthHeader({ kind: 'identity-token', token: 't' }, 'docker.io'))).toEqual({
    identitytoken: 't',
    serveraddress: 'https://index.docker.io/v1/',
  });
  expect(read(registryAuthHeader(undefined, 'docker.io'))).toEqual({});
});
