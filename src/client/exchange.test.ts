// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { absent, exchange } from './exchange.ts';

const LIMITS = { timeoutMilliseconds: 5000, maxLength: 100 };
const URL = 'https://trust.example.com/';

function answering(status: number, ...chunks: readonly string[]) {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  return exchange(async () => new Response(body, { status }), URL, {}, LIMITS);
}

test('a body that comes in pieces is whole, and that of a refusal is read as well', async () => {
  const text = async (answer: ReturnType<typeof answering>) => new TextDecoder().decode((await answer).body);

  expect(await text(answering(200, 'one ', 'two ', 'three'))).toBe('one two three');
  expect(await text(answering(200, 'one'))).toBe('one');
  expect(await text(answering(200))).toBe('');
  expect(await text(answering(400, '{"errors":', '[]}'))).toBe('{"errors":[]}');
  expect(await text(answering(500, 'what nobody needs'))).toBe('');
});

test('when a server may be asked again is read of 429 alone, and only as seconds', async () => {
  const after = async (status: number, value: string) => {
    const answer = new Response('', { status, headers: { 'retry-after': value } });
    return (await exchange(async () => answer, URL, {}, LIMITS)).retryAfter;
  };

  expect(await after(429, '7')).toBe(7);
  expect(await after(429, '0')).toBe(0);
  for (const value of ['', '-1', '1.5', '1e3', '9999999', 'Wed, 25 Nov 2026 12:00:00 GMT'])
    expect([value, await after(429, value)]).toEqual([value, undefined]);
  expect(await after(503, '7')).toBeUndefined();
});

test('a server that is busy says so, and when it may be asked again where it told', () => {
  const about = (status: number, retryAfter?: number) => () =>
    absent({ status, ...(retryAfter === undefined ? {} : { retryAfter }) }, URL);
  const words = 'unable to reach trust server at this time: trust.example.com returned';

  expect(about(429, 8)).toThrow(new Error(`${words} 429 and may be asked again in 8 s`));
  expect(about(429)).toThrow(new Error(`${words} 429`));
  expect(about(503)).toThrow(new Error(`${words} 503`));
});
