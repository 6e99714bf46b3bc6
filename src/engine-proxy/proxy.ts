// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { type Endpoint, EngineClient } from '../engine/index.ts';
import type { PolicyEngine } from '../policy/index.ts';
import { ListenError, type TlsIdentity } from '../service/index.ts';
import { type BuildManner, serveConnection } from './connection.ts';
import { ImageJudge } from './judge.ts';

/** Where clients connect: a socket of this machine, or TLS with a certificate that the given authority vouches for. */
export type ProxyAddress =
  | { readonly kind: 'unix'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'tls';
      readonly hostname: string;
      readonly port: number;
      readonly identity: TlsIdentity;
      readonly clientCa: string;
    };

export interface EngineProxyOptions {
  readonly policy: Pick<PolicyEngine, 'decide'>;
  /** The engine behind it. */
  readonly endpoint: Endpoint;
  readonly address: ProxyAddress;
  /** What becomes of builds; they pass unless told otherwise. */
  readonly builds?: BuildManner;
  readonly onError: (error: unknown) => void;
}

export interface EngineProxy {
  /** `unix:///run/hallmark/docker.sock` or `tcp://host:port`, as DOCKER_HOST takes it. */
  readonly host: string;
  stop(): Promise<void>;
}

/** Starts the proxy. @throws ListenError */
export async function startEngineProxy(options: EngineProxyOptions): Promise<EngineProxy> {
  const { policy, endpoint, address, builds = 'pass', onError } = options;
  const judge = new ImageJudge(policy, new EngineClient(endpoint));
  const open = new Set<Socket>();
  const onConnection = (client: Socket): void => {
    open.add(client);
    client.on('close', () => open.delete(client));
    // a client that breaks off is no news
    client.on('error', () => client.destroy());
    serveConnection(client, { judge, endpoint, builds, onError }).catch((error: unknown) => {
      onError(error);
      client.destroy();
    });
  };
  const server = serverFor(address, onConnection);
  await listening(server, address);
  return {
    host: hostOf(server, address),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const client of open) client.destroy();
      await closed;
      if (address.kind === 'unix') await rm(address.path, { force: true });
    },
  };
}

function serverFor(address: ProxyAddress, onConnection: (client: Socket) => void): Server {
  // a client that has sent all it has to say still waits for the answer
  if (address.kind === 'unix') return createServer({ allowHalfOpen: true, pauseOnConnect: false }, onConnection);
  const { identity, clientCa } = address;
  const tls = { ...identity, ca: clientCa, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true } as const;
  return createTlsServer({ ...tls, minVersion: 'TLSv1.2' }, onConnection);
}

async function listening(server: Server, address: ProxyAddress): Promise<void> {
  const place = address.kind === 'unix' ? address.path : address.hostname;
  try {
    if (address.kind === 'unix') await clearSocket(address.path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const done = () => resolve();
      if (address.kind === 'unix') listenPrivately(server, address.path, done);
      else server.listen(address.port, address.hostname, done);
    });
    if (address.kind === 'unix') await chmod(address.path, address.mode);
  } catch (cause) {
    throw new ListenError(place, address.kind === 'unix' ? 0 : address.port, cause);
  }
}

/** Nobody else may connect before the permissions are what they should be. */
function listenPrivately(server: Server, path: string, done: () => void): void {
  const umask = process.umask(0o177);
  server.listen(path, done);
  process.umask(umask);
}

/** A socket that was left behind goes; anything else stays. */
async function clearSocket(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const there = await lstat(path).catch(() => undefined);
  if (there !== undefined && !there.isSocket()) throw new Error(`${path} is no socket`);
  await rm(path, { force: true });
}

function hostOf(server: Server, address: ProxyAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return `tcp://${address.hostname}:${port}`;
}
