// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Endpoint, EngineError } from '../engine/index.ts';

/** Writes, and waits until there is room for more. */
export async function write(socket: Socket, part: Uint8Array): Promise<void> {
  if (socket.write(part) || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

/** A connection to the engine. @throws EngineError `unreachable` */
export function dial(endpoint: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket =
      endpoint.kind === 'unix'
        ? connect(endpoint.socketPath)
        : endpoint.tls === undefined
          ? connect(endpoint.port, endpoint.hostname)
          : dialTls(endpoint.hostname, endpoint.port, endpoint.tls);
    socket.once(endpoint.kind === 'tcp' && endpoint.tls !== undefined ? 'secureConnect' : 'connect', () =>
      resolve(socket),
    );
    socket.once('error', (cause) =>
      reject(
        new EngineError(
          'unreachable',
          `Cannot connect to the Docker daemon at ${endpoint.text}. Is the docker daemon running?`,
          { cause },
        ),
      ),
    );
  });
}

function dialTls(
  host: string,
  port: number,
  { verify, ...files }: NonNullable<Extract<Endpoint, { kind: 'tcp' }>['tls']>,
): Socket {
  return connectTls({ host, port, ...files, rejectUnauthorized: verify });
}

/** What the engine says goes to the client, until one of them ends. */
export function join(client: Socket, engine: Socket): void {
  engine.pipe(client);
  engine.on('close', () => client.end());
  client.on('close', () => engine.destroy());
}
