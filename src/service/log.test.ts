// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { openLog } from './log.ts';
import { withRequestLog } from './request-log.ts';

function lines(level: 'debug' | 'info') {
  const written: string[] = [];
  const log = openLog(level, { write: (line) => void written.push(line) });
  return { log, read: () => written.map((line) => JSON.parse(line)) };
}

describe('openLog', () => {
  test('writes JSON lines with a level and a time', () => {
    const { log, read } = lines('info');
    log.info({ gun: 'a/b' }, 'update stored');
    log.debug({}, 'not shown');

    expect(read()).toEqual([{ level: 'info', time: expect.stringMatching(/Z$/), gun: 'a/b', msg: 'update stored' }]);
  });

  test('tells an error with its code and causes, and ends in a loop of causes', () => {
    const { log, read } = lines('info');
    const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'E1' });
    const loop = new Error('loop');
    loop.cause = loop;
    log.error({ error }, 'failed');
    log.error({ error: loop }, 'failed');
    log.error({ error: 'text' }, 'failed');

    const [first, second, third] = read();
    expect(first.error).toMatchObject({ message: 'outer', code: 'E1', cause: { name: 'TypeError', message: 'inner' } });
    expect(second.error.message).toBe('loop');
    expect(third.error).toBe('text');
  });
});

describe('withRequestLog', () => {
  const respond = (status: number) => async () => new Response(null, { status });

  test('writes and failures are at info and error, reads at debug; the query is left out', async () => {
    const { log, read } = lines('debug');
    const times = [10, 14.26];
    const elapsed = () => times.shift() ?? 0;
    await withRequestLog(respond(200), log, { elapsed })(new Request('https://x/a?token=1', { method: 'POST' }));
    await withRequestLog(respond(200), log)(new Request('https://x/b'));
    await withRequestLog(respond(503), log)(new Request('https://x/c'));

    const found = read().map(({ level, method, path, status }) => [level, method, path, status]);
    expect(found).toEqual([
      ['info', 'POST', '/a', 200],
      ['debug', 'GET', '/b', 200],
      ['error', 'GET', '/c', 503],
    ]);
    expect(read()[0].ms).toBe(4.3);
    expect(new Set(read().map(({ requestId }) => requestId)).size).toBe(3);
  });
});
