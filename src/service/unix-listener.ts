// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { ListenError } from './listener.ts';
import type { Fetch } from './request-log.ts';
import { placeSocket } from './unix-socket.ts';

export interface UnixListenOptions {
  readonly fetch: Fetch;
  /** Where the socket lies; a socket that was left there is replaced, anything else is not. */
  readonly path: string;
  /** Permission bits of the socket: who may connect. */
  readonly mode: number;
}

export interface UnixListener {
  readonly path: string;
  stop(): Promise<void>;
}

/** Serves HTTP on a socket of this machine. @throws ListenError */
export async function listenUnix({ fetch, path, mode }: UnixListenOptions): Promise<UnixListener> {
  try {
    const server = await placeSocket(path, mode, () => serve(fetch, path));
    return {
      path,
      async stop() {
        await server.stop(false);
        await rm(path, { force: true });
      },
    };
  } catch (cause) {
    throw new ListenError(path, 0, cause);
  }
}

function serve(fetch: Fetch, path: string) {
  return Bun.serve({
    unix: path,
    development: false,
    fetch: (request: Request) => fetch(request),
    error: () => new Response(null, { status: 500 }),
  });
}
