// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { connect } from 'node:net';
import { listen } from '../listener.ts';
import { SILENT_LOG } from '../log.ts';
import { Health, operationsApp } from './index.ts';

/** The first line of an answer to a request as it is written. */
function answerTo(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.once('data', (bytes) => {
      resolve(bytes.toString().split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('a probe that speaks HTTP/1.0 and names no host is answered like any other', async () => {
  const fetch = operationsApp({ health: new Health({ checks: {}, log: SILENT_LOG }) });
  const listener = listen({ fetch, tls: 'plain', hostname: '127.0.0.1', port: 0 });
  try {
    expect(await answerTo(listener.port, 'GET /ready HTTP/1.0\r\n\r\n')).toBe('HTTP/1.1 200 OK');
    expect(await answerTo(listener.port, 'GET //ready HTTP/1.0\r\n\r\n')).toStartWith('HTTP/1.1 404');
  } finally {
    await listener.stop();
  }
});
