// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ListenError } from './listener.ts';
import type { Fetch } from './request-log.ts';

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
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    const there = await lstat(path).catch(() => undefined);
    if (there !== undefined && !there.isSocket()) throw new Error(`${path} is no socket`);
    await rm(path, { force: true });
    // nobody else may connect before the permissions are what they should be
    const umask = process.umask(0o177);
    let server: ReturnType<typeof serve>;
    try {
      server = serve(fetch, path);
    } finally {
      process.umask(umask);
    }
    await chmod(path, mode);
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
