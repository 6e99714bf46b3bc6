// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { write } from './engine-link.ts';
import type { Ruling } from './judge.ts';
import type { RequestHead } from './request-head.ts';

/** An answer of the proxy's own. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A client that waits to be told before it sends a body is told. */
export function agreeToBody({ headers }: RequestHead, client: Socket): void {
  if (headers.some(({ name, value }) => name === 'expect' && value.toLowerCase() === '100-continue'))
    client.write('HTTP/1.1 100 Continue\r\n\r\n');
}

export function refusal(ruling: Extract<Ruling, { kind: 'refused' | 'missing' }>): Answer {
  return message(ruling.kind === 'missing' ? 404 : ruling.status, ruling.message);
}

/** In the form of the engine's own errors, so that every client shows it. */
export function message(status: number, text: string): Answer {
  const body = Buffer.from(`${JSON.stringify({ message: text })}\n`);
  return {
    status,
    contentType: 'application/json',
    body: (async function* () {
      yield body;
    })(),
  };
}

/** Answers and ends: the end of the connection is the end of the body. */
export async function answer(client: Socket, { status, contentType, body }: Answer): Promise<void> {
  client.write(`HTTP/1.1 ${status} Answer\r\nContent-Type: ${contentType}\r\nConnection: close\r\n\r\n`);
  for await (const part of body) await write(client, part);
  client.end();
  // what the client still sends is read and dropped, so that it gets to read the answer
  client.resume();
}
