// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { FakeEngine, rawExchange } from '../../test/support/fake-engine.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import type { Decision } from '../policy/index.ts';
import { tarFile } from './builds/tar-stream.ts';
import { startEngineProxy } from './index.ts';
import type { EngineProxy } from './proxy.ts';
import { parseRequestHead } from './request-head.ts';
import { routeOf } from './routes.ts';

const scratch = scratchDirectories();
const GOOD = `sha256:${'ab'.repeat(32)}`;

let engine: FakeEngine;
let proxy: EngineProxy;
const decisions = new Map<string, Partial<Decision>>();

beforeEach(async () => {
  engine = new FakeEngine(join(scratch(), 'engine.sock'));
  engine.answers.set(
    'GET /_ping',
    'HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK',
  );
  await engine.start();
  decisions.clear();
  decisions.set('app:1', { outcome: 'allow', verified: true, digest: GOOD as never });
  const decide = async (image: unknown) => {
    const found = decisions.get(String(image));
    const refused = { outcome: 'deny', code: 'unsigned', step: 'digest', message: 'not signed', rule: 'evil' };
    return (found ?? refused) as Decision;
  };
  proxy = await startEngineProxy({
    policy: { decide },
    endpoint: { kind: 'unix', text: 'unix', socketPath: engine.path },
    address: { kind: 'unix', path: join(scratch(), 'proxy.sock'), mode: 0o600 },
    onError: (error) => {
      throw error;
    },
  });
});
afterEach(async () => {
  await proxy.stop();
  engine.stop();
});

const raw = (text: string, options = {}) => rawExchange(proxy.host, text, options);
const post = (path: string, body = '', headers = '') =>
  raw(
    `POST ${path} HTTP/1.1\r\nHost: docker\r\n${headers}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
const requests = (start: string) => engine.seen.filter((text) => text.startsWith(start));

describe('running an image', () => {
  const create = (body: string) => post('/v1.41/containers/create?name=x', body);

  test('property 5: goes on by the digest that was signed; every other byte of the body stays', async () => {
    engine.has(`app:1@${GOOD}`, { id: 'one', digests: [`app@${GOOD}`] });
    const body =
      '{ "Labels": {"a" : "\\u00e9"},\t"Image":"app:1", "HostConfig":{"Ulimits":[{"Hard":9223372036854775807}]} }';
    expect(await create(body)).toStartWith('HTTP/1.1 200 OK');
    expect(requests('POST /v1.41/containers/create?name=x')[0]).toEndWith(
      `\r\n\r\n${body.replace('"app:1"', `"app:1@${GOOD}"`)}`,
    );
  });

  test('an image that is not trusted is refused in the form of the engine, and nothing reaches it', async () => {
    const answer = await create('{"Image":"evil:1"}');
    expect(answer).toStartWith('HTTP/1.1 403 ');
    expect(answer).toContain(
      '{"message":"content trust: evil:1: denied: not signed (unsigned, rule evil): sign it with',
    );
    expect(requests('POST')).toEqual([]);
  });

  test('property 4: what could not be found out is 503', async () => {
    decisions.set('app:1', { outcome: 'unavailable', code: 'unreachable', step: 'trust data', message: 'no answer' });
    expect(await create('{"Image":"app:1"}')).toStartWith('HTTP/1.1 503 ');
  });

  test('a trusted image that is not there yet is 404, so that clients pull it', async () => {
    engine.has(`app:1@${GOOD}`, undefined);
    expect(await create('{"Image":"app:1"}')).toMatch(/^HTTP\/1\.1 404 .*No such image: app:1/s);
  });

  test('by ID: only if it was pulled under a name and digest that are trusted', async () => {
    const id = `sha256:${'12'.repeat(32)}`;
    engine.has(id, { id, digests: [`other@${GOOD}`, `app@${GOOD}`] });
    expect(await create(`{"Image":"${id}"}`)).toStartWith('HTTP/1.1 403 ');
    decisions.set(`other@${GOOD}`, { outcome: 'unavailable', message: 'no answer' });
    expect(await create(`{"Image":"${id}"}`)).toStartWith('HTTP/1.1 503 ');
    decisions.set(`app@${GOOD}`, { outcome: 'allow', verified: true, digest: GOOD as never });
    expect(await create(`{"Image":"${id}"}`)).toStartWith('HTTP/1.1 200 ');
    expect(requests('POST').at(-1)).toContain(`"Image":"app@${GOOD}"`);
  });

  test('S24 by a short ID under a rule that lets short names through: the image of that ID is judged', async () => {
    for (const short of ['12ab', 'sha256:12ab']) {
      decisions.set(short, { outcome: 'allow', verified: false, digest: undefined });
      engine.has(short, { id: `sha256:12ab${'0'.repeat(60)}`, digests: [`evil@${GOOD}`] });
      expect(await create(`{"Image":"${short}"}`)).toStartWith('HTTP/1.1 403 ');
    }
    decisions.set(`evil@${GOOD}`, { outcome: 'allow', verified: false, digest: undefined });
    expect(await create('{"Image":"12ab"}')).toStartWith('HTTP/1.1 200 ');
    // whole, so that no other image can begin like it by then
    expect(requests('POST').at(-1)).toContain(`"Image":"sha256:12ab${'0'.repeat(60)}"`);
  });

  test('S24 a name that could be an ID goes on so that it can be none', async () => {
    decisions.set('cafe', { outcome: 'allow', verified: false, digest: undefined });
    for (const name of ['cafe', 'docker.io/library/cafe:latest'])
      engine.has(name, { id: 'another', digests: [`x@${GOOD}`] });
    expect(await create('{"Image":"cafe"}')).toStartWith('HTTP/1.1 200 ');
    expect(requests('POST').at(-1)).toContain('"Image":"docker.io/library/cafe:latest"');
  });

  test('S24 a build gets a name that could be an ID in full', async () => {
    await proxy.stop();
    const decide = async () => ({ outcome: 'allow', verified: false, digest: undefined }) as Decision;
    proxy = await startEngineProxy({
      policy: { decide },
      endpoint: { kind: 'unix', text: 'unix', socketPath: engine.path },
      address: { kind: 'unix', path: join(scratch(), 'proxy.sock'), mode: 0o600 },
      builds: 'judge',
      onError: (error) => {
        throw error;
      },
    });
    const context = Buffer.from(tarFile('Dockerfile', Buffer.from('FROM cafe\nCOPY --from=busybox /a /b\n')));
    const head = 'POST /build HTTP/1.1\r\nContent-Type: application/x-tar\r\n';
    expect(await raw(`${head}Content-Length: ${context.length}\r\n\r\n${context.toString('latin1')}`)).toStartWith(
      'HTTP/1.1 200 ',
    );
    expect(requests('POST /build')[0]).toContain('FROM docker.io/library/cafe:latest\nCOPY --from=busybox /a /b\n');
    // what other engines know beside: another image in the place of FROM
    for (const query of ['from=evil', 'REMOTE=http://evil', 'additionalbuildcontexts=x'])
      expect(await raw(`POST /build?${query} HTTP/1.1\r\n\r\n`)).toStartWith('HTTP/1.1 400 ');
  });

  test('S30 an image that is mounted is judged like the one that runs', async () => {
    engine.has(`app:1@${GOOD}`, { id: 'one', digests: [] });
    const mounts = (type: string, key = 'Source') =>
      `{"Image":"app:1","HostConfig":{"Mounts":[{"Type":"${type}","${key}":"evil:1"}]}}`;
    expect(await create(mounts('image'))).toStartWith('HTTP/1.1 403 ');
    expect(await create(mounts('IMAGE', 'sOURCE'))).toStartWith('HTTP/1.1 403 ');
    expect(await create(mounts('bind'))).toStartWith('HTTP/1.1 200 ');
    // where older engines take the settings of the host
    expect(await create('{"Image":"app:1","Mounts":[{"Type":"image","Source":"evil:1"}]}')).toStartWith(
      'HTTP/1.1 403 ',
    );
  });

  for (const [what, body] of [
    ['the member twice', '{"Image":"app:1","Image":"evil:1"}'],
    ['the member in two cases', '{"Image":"app:1","image":"evil:1"}'],
    ['no image', '{"Cmd":["sh"]}'],
    ['more after its end', '{"Image":"app:1"}{"Image":"evil:1"}'],
    ['an image that is no text', '{"Image":["app:1"]}'],
    ['no JSON', 'Image=app:1'],
    ['half of it', '{"Image":"app:1"'],
  ] as const) {
    test(`S11 a body with ${what} is refused`, async () => {
      engine.has(`app:1@${GOOD}`, { id: 'one', digests: [] });
      expect(await create(Buffer.from(body, 'utf8').toString('latin1'))).toStartWith('HTTP/1.1 400 ');
      expect(requests('POST')).toEqual([]);
    });
  }

  test('S32 more images than anybody mounts are refused, and one that is named often is judged once', async () => {
    const asked = `app:1@${GOOD}`;
    engine.has(asked, { id: 'one', digests: [] });
    const mounts = (count: number) =>
      `{"Image":"app:1","Mounts":[${Array.from({ length: count }, () => '{"Type":"image","Source":"app:1"}').join(',')}]}`;
    expect(await create(mounts(1000))).toStartWith('HTTP/1.1 400 ');
    expect(requests('POST')).toEqual([]);
    expect(await create(mounts(100))).toStartWith('HTTP/1.1 200 ');
    expect(requests('POST')[0]?.split(`"Source":"${asked}"`)).toHaveLength(101);
    expect(requests('GET /v1.41/images/')).toHaveLength(1);
  });

  test('a service runs by digest too, whether or not the image is here: nodes pull that digest', async () => {
    engine.has(`app:1@${GOOD}`, undefined);
    await post('/services/create', '{"TaskTemplate":{"ContainerSpec":{"Image":"app:1"}}}');
    expect(requests('POST /services/create')[0]).toContain(`"Image":"app:1@${GOOD}"`);
    expect(
      await post('/services/x/update?version=1', '{"TaskTemplate":{"ContainerSpec":{"Image":"evil:1"}}}'),
    ).toStartWith('HTTP/1.1 403 ');
  });
});

describe('pulling', () => {
  test('a tag becomes its digest, and the image is named as it was asked for', async () => {
    engine.answers.set(
      'POST /v1.41/images/app@',
      'HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    );
    const answer = await post(
      '/v1.41/images/create?fromImage=app&tag=1&platform=linux%2Famd64',
      '',
      'X-Registry-Auth: e30=\r\n',
    );
    expect(answer).toStartWith('HTTP/1.1 200 ');
    const [pull = '', named = ''] = requests('POST');
    expect(pull).toStartWith(
      `POST /v1.41/images/create?fromImage=app&tag=${encodeURIComponent(GOOD)}&platform=linux%2Famd64 HTTP/1.1`,
    );
    expect(pull.toLowerCase()).toContain('x-registry-auth: e30=');
    expect(named).toStartWith(`POST /v1.41/images/app@${GOOD}/tag?repo=app&tag=1 HTTP/1.1`);
  });

  test('a pull that failed names nothing', async () => {
    engine.answers.set(
      'POST /v1.41/images/create',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"errorDetail":{"message":"no"},"error":"no"}\r\n',
    );
    expect(await post('/v1.41/images/create?fromImage=app&tag=1')).toContain('"error":"no"');
    expect(requests('POST /v1.41/images/app@')).toEqual([]);
  });

  test('an untrusted tag is refused, as is a pull of all tags', async () => {
    expect(await post('/images/create?fromImage=evil&tag=1')).toStartWith('HTTP/1.1 403 ');
    expect(await post('/images/create?fromImage=app')).toMatch(/^HTTP\/1\.1 400 .*name one tag/s);
    expect(requests('POST')).toEqual([]);
  });

  test('S24 parameters that two readers would read in two ways are refused', async () => {
    for (const query of [
      'fromImage=app&tag=1&tag=2',
      'fromImage=app&fromImage=evil&tag=1',
      'fromImage=app;tag=1',
      `fromImage=app@sha256:${'ef'.repeat(32)}&tag=1`,
    ])
      expect(await post(`/images/create?${query}`)).toStartWith('HTTP/1.1 400 ');
    const form =
      'POST /images/create?fromImage=app&tag=1 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\nfromImage=evil';
    expect(await raw(form)).toStartWith('HTTP/1.1 400 ');
    expect(requests('POST')).toEqual([]);
  });

  for (const type of [
    '\xa0application/x-www-form-urlencoded',
    '\u0085application/x-www-form-urlencoded',
    'appl\u0130cation/x-www-form-urlencoded',
    'mult\u0130part/form-data; boundary=x',
  ]) {
    test(`S24 a form under a media type that Go folds into one is refused: ${JSON.stringify(type)}`, async () => {
      decisions.set('free:1', { outcome: 'allow', verified: false, digest: undefined });
      const bytes = Buffer.from(type, 'utf8').toString('latin1');
      for (const path of [
        '/images/create?fromSrc=-',
        '/images/create?fromImage=free&tag=1',
        '/plugins/pull?remote=free:1',
      ])
        expect(
          await raw(`POST ${path} HTTP/1.1\r\nContent-Type: ${bytes}\r\nContent-Length: 14\r\n\r\nfromImage=evil`),
        ).toStartWith('HTTP/1.1 400 ');
      expect(requests('POST')).toEqual([]);
    });
  }

  test('S24 a parameter that other readers take for another, or that is not known, is refused', async () => {
    decisions.set('free:1', { outcome: 'allow', verified: false, digest: undefined });
    for (const query of [
      '?fromImage=free&tag=1',
      'FROMIMAGE=evil',
      'fromImage=free&tag=1&policy=x',
      'fromImage=free&?tag=1',
    ])
      expect(await post(`/images/create?${query}`)).toStartWith('HTTP/1.1 400 ');
    expect(await post('/plugins/pull?Remote=evil&remote=free:1')).toStartWith('HTTP/1.1 400 ');
    expect(requests('POST')).toEqual([]);
  });

  test('an import passes: what is run of it is judged then', async () => {
    expect(await post('/images/create?fromSrc=-&repo=x&changes=CMD+a&changes=CMD+b', 'tar')).toStartWith(
      'HTTP/1.1 200 ',
    );
  });

  test('a plugin is pulled by its digest', async () => {
    await post('/plugins/pull?remote=app%3A1');
    expect(requests('POST /plugins/pull')[0]).toContain(`remote=app%40${encodeURIComponent(GOOD)}&name=app%3A1`);
    expect(await post('/plugins/pull?remote=evil')).toStartWith('HTTP/1.1 403 ');
  });
});

describe('everything else passes', () => {
  test('with its body byte for byte, chunked or not, and nothing after it', async () => {
    const chunked = '5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n';
    const smuggled = 'POST /containers/create HTTP/1.1\r\nContent-Length: 18\r\n\r\n{"Image":"evil:1"}';
    await raw(`POST /build HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}${smuggled}`);
    expect(engine.seen).toEqual([
      `POST /build HTTP/1.1\r\nhost: docker\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunked}`,
    ]);
  });

  test('a stream goes both ways once the engine has agreed, and ends as it should', async () => {
    engine.answers.set(
      'POST /v1.41/containers/x/attach',
      'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    );
    const head =
      'POST /v1.41/containers/x/attach?stream=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ path: proxy.host.slice('unix://'.length), allowHalfOpen: true }, () =>
        socket.write(head),
      );
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.endsWith('\r\n\r\n')) socket.write('typed');
        if (text.endsWith('echo:typed')) socket.end();
      });
      socket.on('end', () => resolve(text));
    });
    expect(answer).toBe('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\necho:typedbye');
  });

  test('S24 a stream that the engine refuses carries no second request', async () => {
    engine.answers.set('POST /containers/none/attach', 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
    const smuggled = 'POST /containers/create HTTP/1.1\r\nContent-Length: 18\r\n\r\n{"Image":"evil:1"}';
    const answer = await raw(
      `POST /containers/none/attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n${smuggled}`,
    );
    expect(answer).toBe('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
    expect(engine.seen.join('')).not.toContain('evil');
  });
});

describe('requests that could be read in two ways', () => {
  const odd = [
    'POST /containers/create HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nContent-Length : 5\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nX: a\r\n b\r\n\r\n',
    'POST /containers/create HTTP/1.1\r\nX: a\nY: b\r\n\r\n',
    'POST //containers/create HTTP/1.1\r\n\r\n',
    'GET /info HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    'POST /exec/x/start HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp, h2c\r\nContent-Length: 0\r\n\r\n',
    'POST /x/../containers/create HTTP/1.1\r\n\r\n',
    'POST /containers/%2e%2e/containers/create HTTP/1.1\r\n\r\n',
    'POST /containers/create%2Fx/..%2f HTTP/1.1\r\n\r\n',
    'POST /%63ontainers/%2563reate HTTP/1.1\r\n\r\n',
    'POST http://docker/containers/create HTTP/1.1\r\n\r\n',
    'POST /containers/create HTTP/1.0\r\n\r\n',
    'post /containers/create HTTP/1.1\r\n\r\n',
    'POST /containers/create#x HTTP/1.1\r\n\r\n',
    'POST /v4.0.0/libpod/containers/create HTTP/1.1\r\n\r\n',
    'POST /v1.41-x/containers/create HTTP/1.1\r\n\r\n',
    'POST /v4.0.0-x/libpod/containers/create HTTP/1.1\r\n\r\n',
    'POST /v1.41/v1.41/containers/create HTTP/1.1\r\n\r\n',
    'POST /images2/create HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'POST /containers/create%3Fname=x HTTP/1.1\r\nContent-Length: 18\r\n\r\n{"Image":"evil:1"}',
  ];
  for (const request of odd) {
    test(`S24 ${JSON.stringify(request.slice(0, 60))}… is refused`, async () => {
      expect(await raw(request, { half: true })).toMatch(/^HTTP\/1\.1 40[03] .*"message":"content trust: /s);
      expect(engine.seen).toEqual([]);
    });
  }

  test('a path that is escaped is judged as what it means', () => {
    const head = parseRequestHead(Buffer.from('POST /v1.41/%63ontainers/creat%65 HTTP/1.1'));
    expect(routeOf(head)).toBe('create-container');
  });

  test('S22 property: whatever is sent, no container is created of what is not trusted', async () => {
    const piece = fc.constantFrom(
      'POST /containers/create HTTP/1.1\r\n',
      'GET /info HTTP/1.1\r\n',
      'Content-Length: 18\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: Upgrade\r\nUpgrade: tcp\r\n',
      '\r\n',
      '{"Image":"evil:1"}',
      '12\r\n',
      '0\r\n\r\n',
      '\n',
      ' ',
      '%',
      'POST /containers/x/attach HTTP/1.1\r\n',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (pieces) => {
        await raw(pieces.join(''), { half: true });
        expect(engine.seen.filter((text) => /^POST \/containers\/create/.test(text))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
