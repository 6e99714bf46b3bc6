// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server } from 'node:net';

/** What the fake engine was sent, connection by connection, and what it answers. */
export class FakeEngine {
  readonly seen: string[] = [];
  readonly path: string;
  /** Answer by the beginning of a request; the rest is a 200 that repeats the request. */
  readonly answers = new Map<string, string>();
  readonly #server: Server;

  constructor(path: string) {
    this.path = path;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const index = this.seen.push('') - 1;
      socket.on('error', () => {});
      socket.on('end', () => socket.writableEnded || socket.end('bye'));
      socket.on('data', (chunk) => {
        this.seen[index] += chunk.toString('latin1');
        if ((this.seen[index]?.indexOf('\r\n\r\n') ?? -1) < 0 || socket.writableEnded) return;
        const answer = [...this.answers].find(([start]) => this.seen[index]?.startsWith(start))?.[1];
        if (answer?.startsWith('HTTP/1.1 101')) {
          if (chunk.toString('latin1').includes('\r\n\r\n')) socket.write(answer);
          else socket.write(`echo:${chunk.toString('latin1')}`);
          return;
        }
        setTimeout(
          () =>
            socket.end(answer ?? 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}'),
          10,
        );
      });
    });
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.path, () => resolve()));
  }

  stop(): void {
    this.#server.close();
  }

  has(name: string, image: { id: string; digests: readonly string[] } | undefined): void {
    const body =
      image === undefined
        ? '{"message":"no"}'
        : JSON.stringify({
            Id: image.id,
            RepoDigests: image.digests,
            RepoTags: [],
            Os: 'linux',
            Architecture: 'amd64',
          });
    this.answers.set(
      `GET /v1.41/images/${name}/json`,
      `HTTP/1.1 ${image === undefined ? 404 : 200} X\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
}

/** Sends raw bytes to the socket of a proxy, and gives back all that comes until the end. */
export function rawExchange(host: string, text: string, { half = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path: host.slice('unix://'.length), allowHalfOpen: true }, () => {
      socket.write(Buffer.from(text, 'latin1'));
      if (half) socket.end();
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('end', () => {
      socket.end();
      resolve(answer);
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
