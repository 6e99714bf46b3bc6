// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { type Endpoint, EngineClient, resolveEndpoint } from '../../../engine/index.ts';
import {
  authzPlugin,
  type BuildManner,
  ImageJudge,
  type ProxyAddress,
  startEngineProxy,
} from '../../../engine-proxy/index.ts';
import { listenUnix, loadTlsIdentity } from '../../../service/index.ts';
import { listenAddress } from '../../address.ts';
import type { CommandContext } from '../../context.ts';
import type { Io } from '../../io.ts';
import { UsageError } from '../../usage-error.ts';
import { installContext } from './docker-context.ts';
import { type EnforcementOptions, openEnforcementPoint } from './enforcement-point.ts';

interface EngineOptions extends EnforcementOptions {
  /** The engine behind; that of the docker CLI unless given. */
  readonly engine?: string;
}

export interface EngineProxyOptions extends EngineOptions {
  readonly listen: string;
  readonly socketMode: string;
  readonly builds: BuildManner;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly installContext?: string | true;
}

const CONTEXT = 'trusted';

/** `hallmark engine-proxy`: a Docker socket before the engine's, by the policy, until it is told to stop. */
export async function engineProxy(context: CommandContext, options: EngineProxyOptions): Promise<void> {
  const { io } = context;
  if (options.installContext !== undefined) {
    const name = options.installContext === true ? CONTEXT : options.installContext;
    const path = await installContext(io, name, options.listen);
    io.stdout.write(`Installed context ${name}: docker --context ${name} run …\n`);
    io.stderr.write(`wrote ${path}\n`);
    return;
  }
  const endpoint = await engineBehind(options, io);
  const address = await addressOf(options, io);
  const { engine, log, close } = await openEnforcementPoint(context, 'engine-proxy', options);
  try {
    const onError = (error: unknown) => log.error({ error }, 'engine proxy failed');
    const proxy = await startEngineProxy({ policy: engine, endpoint, address, builds: options.builds, onError });
    io.stdout.write(`ready engine-proxy=${proxy.host}\n`);
    await io.untilStopped();
    await proxy.stop();
  } finally {
    await close();
  }
}

export interface AuthzOptions extends EngineOptions {
  readonly socket: string;
}

const ENGINE_ONLY = 0o600;

/** `hallmark engine-authz`: the same decisions as an authorization plugin of the engine. */
export async function engineAuthz(context: CommandContext, options: AuthzOptions): Promise<void> {
  const { io } = context;
  const endpoint = await engineBehind(options, io);
  const { engine, log, close } = await openEnforcementPoint(context, 'engine-proxy', options);
  try {
    const onError = (error: unknown) => log.error({ error }, 'authorization plugin failed');
    const fetch = authzPlugin(new ImageJudge(engine, new EngineClient(endpoint)), onError);
    const listener = await listenUnix({ fetch, path: options.socket, mode: ENGINE_ONLY });
    io.stdout.write(`ready authz=${options.socket}\n`);
    await io.untilStopped();
    await listener.stop();
  } finally {
    await close();
  }
}

function engineBehind({ engine }: EngineOptions, { env }: Io): Promise<Endpoint> {
  return resolveEndpoint({ env, ...(engine === undefined ? {} : { host: engine }) });
}

/** `unix:///run/hallmark/docker.sock`, or `tcp://HOST:PORT` with TLS and certificates of its clients: an engine is root. */
async function addressOf(options: EngineProxyOptions, io: Io): Promise<ProxyAddress> {
  const [, path] = /^unix:\/\/(\/.+)$/.exec(options.listen) ?? [];
  if (path !== undefined) {
    if (!/^0?[0-7]{3}$/.test(options.socketMode))
      throw new UsageError(`--socket-mode ${options.socketMode}: give permissions such as 660`);
    return { kind: 'unix', path, mode: Number.parseInt(options.socketMode, 8) };
  }
  const [, tcp] = /^tcp:\/\/(.+)$/.exec(options.listen) ?? [];
  if (tcp === undefined) throw new UsageError(`--listen ${options.listen}: give unix:///PATH or tcp://HOST:PORT`);
  const { tlsCert, tlsKey, clientCa } = options;
  if (tlsCert === undefined || tlsKey === undefined || clientCa === undefined)
    throw new UsageError(
      'tcp:// needs --tls-cert, --tls-key and --client-ca: whoever reaches an engine is root on its machine',
    );
  const identity = await loadTlsIdentity(tlsCert, tlsKey, io.now());
  return { kind: 'tls', ...listenAddress(tcp, '--listen'), identity, clientCa: await readFile(clientCa, 'utf8') };
}
