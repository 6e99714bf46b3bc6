// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net';

// Below the range from which systems take the ports of outgoing connections: until whoever gets a port here listens on it,
// no connection of this process or another may take it away.
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const ATTEMPTS = 50;

const given = new Set<number>();

/** A port on which nothing listens at 127.0.0.1 and 127.0.0.2, for a program that cannot choose one itself; another at each call. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (given.has(port)) continue;
    given.add(port);
    if ((await canListen(port, '127.0.0.1')) && (await canListen(port, '127.0.0.2'))) return port;
  }
  throw new Error('found no free port');
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
