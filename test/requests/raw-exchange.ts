// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:tls';

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** As {@link exchange}, yet the client has more to say and waits: the server has to answer and close of its own accord. */
export function unfinished(port: number, bytes: Uint8Array): Promise<readonly RawAnswer[]> {
  return exchange(port, bytes, 'has more to say');
}

/**
 * Writes bytes to a TLS server, says that no more will come, and gathers what it answers until it closes the connection.
 * Whoever hangs makes the test hang: that is a failure too.
 */
export function exchange(
  port: number,
  bytes: Uint8Array,
  then: 'ends' | 'has more to say' = 'ends',
): Promise<readonly RawAnswer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      if (then === 'ends') socket.end(bytes);
      else socket.write(bytes);
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      // the answer is what was waited for, whether or not the connection stays
      if (then !== 'ends') socket.end();
    });
    // a server may close while it is still being written to
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(answersIn(Buffer.concat(chunks))));
  });
}

/** The answers in a stream of them; a last one that was cut off counts as far as its header is whole. */
function answersIn(stream: Buffer): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  while (at < stream.length) {
    const end = stream.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const [line = '', ...fields] = stream.toString('latin1', at, end).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? Number.NaN);
    const headers = new Map(
      fields.map((field) => [field.split(':', 1)[0]?.toLowerCase() ?? '', field.replace(/^[^:]*: ?/, '')]),
    );
    const length = Number(headers.get('content-length') ?? 0);
    answers.push({ status, headers, body: stream.subarray(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
  return answers;
}
