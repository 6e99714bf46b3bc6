// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { rejected } from '../../test/support/refusals.ts';
import { GUN } from '../../test/support/repository-simulator.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { canonicalText, encodeUtf8 } from '../encoding/index.ts';
import { keyObject, type PublicKey, type RoleName } from '../tuf/index.ts';
import { HttpTrustServer } from './trust-server.ts';

interface Asked {
  readonly url: string;
  readonly method: string;
  readonly redirect: string | undefined;
  readonly body: string;
  readonly contentType: string;
}

/** A server with one answer, what it was asked, and for how many milliseconds it was waited for. */
function answering(answer: () => Response | Promise<Response>) {
  const asked: Asked[] = [];
  const waits: number[] = [];
  const server = new HttpTrustServer({
    server: 'https://trust.example.com/',
    fetch: async (url, init) => {
      const body = init.body instanceof Uint8Array ? Buffer.from(init.body).toString('latin1') : '';
      const contentType = new Headers(init.headers).get('content-type') ?? '';
      asked.push({ url, method: init.method ?? 'GET', redirect: init.redirect, body, contentType });
      return answer();
    },
    wait: async (milliseconds) => waits.push(milliseconds),
  });
  return { server, asked, waits };
}

const FILES = new Map([
  ['root', encodeUtf8('{"root":1}')],
  ['targets/releases', Uint8Array.of(0, 13, 10, 0xff)],
]) as unknown as Map<RoleName, Uint8Array>;
const publish = (body: string, status = 400) =>
  answering(() => new Response(body, { status })).server.publish(GUN, FILES);
const errors = (...list: readonly unknown[]) => JSON.stringify({ errors: list });

describe('publishing', () => {
  test('sends all files in one form, byte for byte, under their role names', async () => {
    const { server, asked } = answering(() => new Response(''));
    await server.publish(GUN, FILES);
    const [request] = asked;
    const boundary = /boundary=([0-9a-f]{60})$/.exec(request?.contentType ?? '')?.[1];

    expect(request).toMatchObject({
      url: `https://trust.example.com/v2/${GUN}/_trust/tuf/`,
      method: 'POST',
      redirect: 'error',
    });
    const part = (role: string, content: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="${role}"\r\nContent-Type: application/octet-stream\r\n\r\n${content}\r\n`;
    expect(request?.body).toBe(
      `${part('root', '{"root":1}')}${part('targets/releases', '\0\r\n\xff')}--${boundary}--\r\n`,
    );
  });

  test('a refused version is a conflict', async () => {
    await rejected(publish(errors({ code: 'VERSION', message: 'too old' })), {
      name: 'PublishError',
      code: 'conflict',
    });
  });

  test("a refusal tells the server's reason", async () => {
    const detail = { Name: 'ErrBadTargets', Error: { Msg: 'bad delegation' } };
    const error = await rejected(publish(errors({ code: 'INVALID_UPDATE', message: 'invalid', detail })), {
      name: 'PublishError',
      code: 'rejected',
    });
    const plain = await rejected(publish(errors({ code: 'INVALID_UPDATE', message: 'invalid' })), {
      name: 'PublishError',
      code: 'rejected',
    });

    expect([error.message, plain.message]).toEqual([
      'trust server rejected the update: bad delegation',
      'trust server rejected the update: invalid',
    ]);
  });

  test('whatever a server writes into its reason, a terminal is not told to do anything', async () => {
    const message = 'a\x1b[2J\r\nb\x9b31m\u202egpj.exe\u2028c\0';
    const error = await rejected(publish(errors({ code: 'X', message })), { name: 'PublishError', code: 'rejected' });
    const long = await rejected(publish(errors({ code: 'X', message: 'x'.repeat(100_000) })), { code: 'rejected' });

    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(long.message.length).toBeLessThan(600);
  });

  test('S22 a refusal that cannot be read is a refusal', async () => {
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '{"errors":1}',
      '{"errors":[]}',
      '{"errors":[1]}',
      '{"errors":[{"message":{}}]}',
      errors({ detail: [] }),
      '<html>',
    ])
      await rejected(publish(body), { name: 'PublishError', code: 'rejected' });
  });

  test('S23 an endless answer is cut off', async () => {
    const stream = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)) });
    const { server } = answering(() => new Response(stream(), { status: 400 }));

    await rejected(server.publish(GUN, FILES), { name: 'DownloadError', code: 'too-large' });
  });

  test('any other answer is told apart', async () => {
    for (const [status, code] of [
      [401, 'unauthorized'],
      [403, 'unauthorized'],
      [404, 'not-found'],
      [500, 'unavailable'],
      [503, 'unavailable'],
      [413, 'rejected'],
    ] as const)
      await rejected(publish('', status), { name: 'DownloadError', code });
    const { server } = answering(() => Promise.reject(new TypeError('refused')));
    await rejected(server.publish(GUN, FILES), { name: 'DownloadError', code: 'unreachable' });
  });
});

describe('a key of the server', () => {
  const withKey = (key: PublicKey) => answering(() => new Response(canonicalText(keyObject(key))));

  test('is fetched, or made anew', async () => {
    const key = makeKey('ed25519').listed;
    const { server, asked } = withKey(key);

    expect(await server.key(GUN, 'snapshot')).toEqual(key);
    expect(await server.rotateKey(GUN, 'timestamp')).toEqual(key);
    expect(asked.map(({ method, url }) => `${method} ${url.split('/_trust/')[1]}`)).toEqual([
      'GET tuf/snapshot.key',
      'POST tuf/timestamp.key',
    ]);
  });

  test('that nobody could verify with is refused', async () => {
    const weak: PublicKey = { type: 'ecdsa', bytes: new Uint8Array(5) };
    for (const key of [weak, { type: 'tpm', bytes: new Uint8Array(32) }])
      await rejected(withKey(key).server.key(GUN, 'timestamp'), { name: 'DownloadError', code: 'rejected' });
    for (const body of ['', '{}', 'null', '{"keytype":"ecdsa"}', '{"keytype":1,"keyval":{}}'])
      await rejected(answering(() => new Response(body)).server.key(GUN, 'timestamp'), {
        name: 'DownloadError',
        code: 'rejected',
      });
  });

  test('that the server does not manage is not found', async () => {
    await rejected(answering(() => new Response('', { status: 404 })).server.key(GUN, 'snapshot'), {
      name: 'DownloadError',
      code: 'not-found',
    });
  });
});

describe('a server that asks for patience', () => {
  const UNAVAILABLE = { code: 'unavailable', status: 429 };
  const busy = (seconds?: number) =>
    new Response('', { status: 429, ...(seconds === undefined ? {} : { headers: { 'retry-after': `${seconds}` } }) });

  test('gets the same request again when it said', async () => {
    const answers = [busy(2), busy(1), new Response('')];
    const { server, asked, waits } = answering(() => answers.shift() ?? busy());

    await server.publish(GUN, FILES);
    expect(waits).toEqual([2000, 1000]);
    expect(asked).toHaveLength(3);
    expect(asked[2]).toEqual(asked[0] as Asked);
  });

  test('is given half a minute in all, and the refusal says when to come again', async () => {
    const { server, waits } = answering(() => busy(8));

    expect((await rejected(server.remove(GUN), UNAVAILABLE)).message).toBe(
      'unable to reach trust server at this time: trust.example.com returned 429 and may be asked again in 8 s',
    );
    expect(waits).toEqual([8000, 8000, 8000]);
  });

  test('S23 is not asked for ever, even if it says at once each time', async () => {
    const { server, waits } = answering(() => busy(0));

    await rejected(server.key(GUN, 'timestamp'), UNAVAILABLE);
    expect(waits).toEqual(Array(31).fill(1000));
  });

  test('is not waited for at all where it does not say how long, or says too long', async () => {
    for (const seconds of [undefined, 31]) {
      const { server, asked, waits } = answering(() => busy(seconds));

      await rejected(server.rotateKey(GUN, 'snapshot'), UNAVAILABLE);
      expect([asked.length, waits]).toEqual([1, []]);
    }
  });
});
