// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { TrustProblem } from './problems.ts';
import { readBody } from './request-body.ts';

type Body = NonNullable<RequestInit['body']>;

const LIMITS = { bytes: 10, milliseconds: 60_000 };

function request(body: Body | null, headers: Record<string, string> = {}): Request {
  return new Request('https://trust.example.com/', { method: 'POST', body, headers });
}

/** A body of these chunks, then of nothing more: it never ends unless told so. */
function stream(chunks: readonly string[], last?: 'ends' | 'breaks off') {
  const state = { cancelled: false, pulled: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[state.pulled++];
        if (chunk !== undefined) controller.enqueue(Buffer.from(chunk));
        else if (last === 'ends') controller.close();
        else if (last === 'breaks off') controller.error(new Error('connection reset'));
        else return new Promise<void>(() => {});
        return undefined;
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, state };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TrustProblem);
  return (error as TrustProblem).code;
}

describe('the body of a request', () => {
  test('is read as it comes, in one piece or many, or none', async () => {
    const text = async (body: Body | null) => Buffer.from(await readBody(request(body), LIMITS)).toString();

    expect(await text(null)).toBe('');
    expect(await text('0123456789')).toBe('0123456789');
    expect(await text(stream(['01', '', '23'], 'ends').body)).toBe('0123');
  });

  test('S23 is not read when it is announced too long, and cut off when it gets too long', async () => {
    const announced = stream(['0']);
    expect(await codeOf(readBody(request(announced.body, { 'content-length': '11' }), LIMITS))).toBe('TOO_LARGE');
    expect(announced.state.pulled).toBe(0);

    const endless = stream(Array(1000).fill('0123'));
    expect(await codeOf(readBody(request(endless.body), LIMITS))).toBe('TOO_LARGE');
    expect(endless.state).toEqual({ cancelled: true, pulled: 3 });
  });

  test('S23 has a time in which to arrive, and is let go of afterwards', async () => {
    const slow = stream(['01']);
    expect(await codeOf(readBody(request(slow.body), { bytes: 10, milliseconds: 5 }))).toBe('REQUEST_TIMEOUT');
    expect(slow.state.cancelled).toBe(true);
  });

  test('that breaks off is malformed, never a failure of the server', async () => {
    expect(await codeOf(readBody(request(stream(['01'], 'breaks off').body), LIMITS))).toBe('MALFORMED_UPLOAD');
  });

  test('S23 that is packed is not unpacked', async () => {
    for (const encoding of ['gzip', 'deflate, gzip', 'br', 'zstd', 'x']) {
      expect(await codeOf(readBody(request('0', { 'content-encoding': encoding }), LIMITS))).toBe('MALFORMED_UPLOAD');
    }
    for (const encoding of ['identity', 'Identity', '']) {
      expect(await readBody(request('0', { 'content-encoding': encoding }), LIMITS)).toHaveLength(1);
    }
  });
});
