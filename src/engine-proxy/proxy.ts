// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type Endpoint, EngineClient } from '../engine/index.ts';
import type { PolicyEngine } from '../policy/index.ts';
import { ListenError, placeSocket, type TlsIdentity } from '../service/index.ts';
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
  const bound = (...where: [path: string] | [port: number, hostname: string]) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(...(where as [string]), () => resolve());
    });
  try {
    if (address.kind === 'unix') await placeSocket(address.path, address.mode, () => bound(address.path));
    else await bound(address.port, address.hostname);
  } catch (cause) {
    const [place, port] = address.kind === 'unix' ? [address.path, 0] : [address.hostname, address.port];
    throw new ListenError(place, port, cause);
  }
}

function hostOf(server: Server, address: ProxyAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return `tcp://${address.hostname}:${port}`;
}
