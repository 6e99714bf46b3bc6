// SPDX-License-Identifier: Apache-2.0
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createConsole } from '../../../console/index.ts';
import { DirectoryRegistryStorage, dockerConfigDirectory, embeddedRegistry } from '../../../registry/index.ts';
import { DEFAULT_OPERATION, DEFAULT_SERVER_LIMITS, type ServerSettings } from '../../../server/config/index.ts';
import { DEFAULT_CACHE_AGES, lockDataDirectory, prepareDataDirectory } from '../../../server/index.ts';
import { startServer } from '../../../server/start/index.ts';
import { type Address, ensureOwnTls, type Listener, type Log, listen, openLog } from '../../../service/index.ts';
import { listenAddress } from '../../address.ts';
import type { CommandContext } from '../../context.ts';
import type { Io } from '../../io.ts';
import { UsageError } from '../../usage-error.ts';
import { VERSION } from '../../version.ts';

export interface UpOptions {
  readonly data: string;
  readonly listen: string;
  readonly registry?: string;
  /** An address of its own, or `true` for the server's. */
  readonly console?: string | true;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly setupDocker?: boolean;
}

/** `hallmark up`: trust server, its signing keys, its own authority, and a registry if asked, until it is told to stop. */
export async function up({ io }: CommandContext, options: UpOptions): Promise<void> {
  const data = resolve(options.data);
  const address = listenAddress(options.listen, '--listen');
  const registryAddress = options.registry === undefined ? undefined : listenAddress(options.registry, '--registry');
  const pages = consoleOf(options.console);
  const log = openLog('info');
  await mkdir(data, { recursive: true, mode: 0o700 });
  // before anything is made there, a certificate that the other serves with among it
  using _alone = lockDataDirectory(data);
  const hostnames = [address, registryAddress, pages?.listen].flatMap((one) => one?.hostname ?? []);
  for (const hostname of new Set(hostnames)) {
    const warning = exposureWarning(hostname);
    if (warning !== undefined) io.stderr.write(`${warning}\n`);
  }
  const { files, caFile } = await tlsOf(
    data,
    [address.hostname, ...(pages?.listen === undefined ? [] : [pages.listen.hostname])],
    options,
    io,
  );
  const settings = { ...(await settingsOf(data, address, files, io)), console: pages };
  const context = { env: io.env, clock: () => io.now(), log, version: VERSION, openConsole: createConsole };
  const server = await startServer(settings, context);
  let registry: Listener | undefined;
  try {
    registry = registryAddress && startRegistry(data, registryAddress, log);
    const trustUrl = `https://${urlHost(address.hostname)}:${server.port}`;
    if (options.setupDocker && caFile !== undefined) await setUpDocker(io, caFile, new URL(trustUrl).host);
    io.stdout.write(welcome(trustUrl, caFile));
    const registryUrl = registry && `http://${urlHost(registryAddress?.hostname ?? '')}:${registry.port}`;
    io.stdout.write(readyLine({ trust: trustUrl, registry: registryUrl, console: server.consoleUrl }));
    await io.untilStopped();
  } finally {
    await Promise.all([server.stop(), registry?.stop()]);
  }
}

function readyLine(urls: Readonly<Record<string, string | undefined>>): string {
  const there = Object.entries(urls).filter(([, url]) => url !== undefined);
  return `ready ${there.map(([name, url]) => `${name}=${url}`).join(' ')}\n`;
}

/** `--console` alone is below the server's own address. */
function consoleOf(given: UpOptions['console']): ServerSettings['console'] {
  if (given === undefined) return undefined;
  return given === true ? {} : { listen: listenAddress(given, '--console') };
}

interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Everything in the data directory, and everybody may do everything: the server of one machine. */
async function settingsOf(data: string, listen: Address, tls: TlsFiles, io: Io): Promise<ServerSettings> {
  const { storage, keys } = await prepareDataDirectory(data, io.env);
  return {
    ...DEFAULT_OPERATION,
    ...{ listen, tls, storage, keys: { at: 'database', ...keys } },
    keyAlgorithm: 'ecdsa',
    auth: { type: 'none' },
    gunPrefixes: [],
    limits: { ...DEFAULT_SERVER_LIMITS, drainSeconds: 5 },
    cacheAges: DEFAULT_CACHE_AGES,
    logLevel: 'info',
    warnings: [],
  };
}

/** The certificate given, or one of the data directory's own authority. */
async function tlsOf(
  data: string,
  hostnames: readonly string[],
  { tlsCert, tlsKey }: UpOptions,
  io: Io,
): Promise<{ files: TlsFiles; caFile?: string }> {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('--tls-cert and --tls-key belong together');
  if (tlsCert !== undefined && tlsKey !== undefined) return { files: { cert: resolve(tlsCert), key: resolve(tlsKey) } };
  const own = await ensureOwnTls(data, [...new Set([...hostnames, 'localhost', '127.0.0.1', '::1'])], io.now());
  return { files: { cert: own.certFile, key: own.keyFile }, caFile: own.caFile };
}

/** Loopback only, unless the user names another address: the embedded registry knows no users. */
function startRegistry(data: string, address: Address, log: Log): Listener {
  const onError = (error: unknown) => log.error({ error }, 'registry');
  const registry = embeddedRegistry(new DirectoryRegistryStorage(join(data, 'registry')), { onError });
  return listen({
    fetch: (request) => Promise.resolve(registry.fetch(request)),
    ...address,
    tls: 'plain',
    limits: { bodyBytes: 64 * 1024 ** 3 },
  });
}

/** Where Docker looks for a trust server's authority (reference 10.1). */
async function setUpDocker(io: Io, caFile: string, host: string): Promise<void> {
  const target = join(dockerConfigDirectory(io.env), 'tls', host, 'ca.crt');
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await copyFile(caFile, target);
  io.stderr.write(`placed ${target}\n`);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** What it means to listen where others can reach; undefined on loopback. */
export function exposureWarning(hostname: string): string | undefined {
  if (LOOPBACK.test(hostname)) return undefined;
  return `Warning: no users are known here: whoever reaches ${hostname} can publish, delete and make keys`;
}

function welcome(trustUrl: string, caFile: string | undefined): string {
  const lines = [
    'export DOCKER_CONTENT_TRUST=1',
    `export DOCKER_CONTENT_TRUST_SERVER=${trustUrl}`,
    ...(caFile === undefined
      ? []
      : [`# its authority: ${caFile} (hallmark --ca FILE, notary --tlscacert FILE, or --setup-docker)`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Loopback is called by name, since that is what Docker treats as local and the certificate names. */
function urlHost(hostname: string): string {
  if (hostname === '127.0.0.1' || hostname === '::1') return 'localhost';
  return hostname.includes(':') ? `[${hostname}]` : hostname;
}
