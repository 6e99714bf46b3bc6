// SPDX-License-Identifier: Apache-2.0
import { type Environment, readSecretFile, type ServerTlsPaths } from '../../service/config/index.ts';
import { Health, operationsApp } from '../../service/health/index.ts';
import {
  type Fetch,
  type Listener,
  type Log,
  listen,
  listenReloading,
  loadTlsIdentity,
  type ReloadingListener,
  type Tracing,
  TrustedProxies,
  waitFor,
  withRequestLog,
} from '../../service/index.ts';
import { Metrics } from '../../service/metrics/index.ts';
import { openTracing } from '../../service/tracing/index.ts';
import { ANSWER_SECONDS, type ServerSettings } from '../config/index.ts';
import {
  auditedKeys,
  observedKeys,
  observedServer,
  observedStorage,
  PLAIN_READS,
  RefusalLog,
  TrustMetrics,
  trustRoute,
} from '../observation/index.ts';
import { limitedCallers } from '../request-limits.ts';
import { createTrustServer } from '../routes.ts';
import { CachedStorage } from '../storage/index.ts';
import { startBackground } from './background.ts';
import { openAuth } from './open-auth.ts';
import { openKeys } from './open-keys.ts';
import { openStorage } from './open-storage.ts';

export interface StartContext {
  readonly env: Environment;
  readonly clock: () => Date;
  readonly log: Log;
  readonly version: string;
}

export interface RunningServer {
  readonly url: string;
  readonly hostname: string;
  readonly port: number;
  /** Where /live, /ready and /metrics are, if anywhere. */
  readonly operationsUrl?: string;
  /** Looks at the TLS files now. */
  reload(): Promise<void>;
  /**
   * Ends without losing anything: it says that it is not ready, accepts nothing new, lets requests and what is done in
   * the background end, and closes what it had opened.
   */
  stop(): Promise<void>;
}

/**
 * The whole trust server, as its settings say.
 * @throws ListenError, TlsError, SecretFileError, DatabaseAddressError, DatabaseOpenError, MigrationError, ServiceKeyError,
 * RemoteSignerError, AuthenticationSetupError, AuditFileError, WebhookSecretError, NetworkError; nothing is left running
 */
export async function startServer(settings: ServerSettings, context: StartContext): Promise<RunningServer> {
  const { log } = context;
  await using opening = new AsyncDisposableStack();
  for (const warning of settings.warnings) log.warn({}, warning);
  const { fetch, health, metrics, reloadKeys } = await openApp(settings, context, opening);
  const operations =
    settings.operations &&
    listen({
      fetch: operationsApp({ health, metrics }),
      tls: 'plain',
      ...settings.operations,
      limits: { drainMs: 1000 },
    });
  if (operations !== undefined) opening.defer(() => operations.stop());
  const listener = await listenAsTold(settings, fetch, context);
  opening.defer(() => listener.stop());
  opening.defer(async () => {
    health.drain();
    await waitFor(settings.limits.stopDelaySeconds * 1000, new AbortController().signal);
  });
  const closing = opening.move();
  const { hostname, port, url } = listener;
  log.info({ url, operations: operations?.url }, 'serving');
  return {
    hostname,
    port,
    url,
    ...(operations === undefined ? {} : { operationsUrl: operations.url }),
    async reload() {
      await Promise.all(['reload' in listener ? listener.reload() : undefined, reloadKeys?.()]);
    },
    stop: () => closing.disposeAsync(),
  };
}

interface App {
  readonly fetch: Fetch;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly reloadKeys: (() => Promise<void>) | undefined;
}

/** All but the listeners; what has to be closed goes on the stack, and is closed in the opposite order. */
async function openApp(settings: ServerSettings, context: StartContext, opening: AsyncDisposableStack): Promise<App> {
  const { clock, log } = context;
  const metrics = new Metrics();
  const measured = new TrustMetrics(
    metrics,
    settings.webhooks.map(({ name }) => name),
  );
  const opened = await openStorage(settings.storage);
  opening.defer(opened.close);
  const { othersWrite } = opened;
  const storage = new CachedStorage(observedStorage(opened.storage, measured), { othersWrite });
  measured.watchCache(() => storage.statistics());
  const held = await openKeys(settings.keys, context);
  opening.defer(held.close);
  const audited = auditedKeys(held.keys, (entry) => opened.storage.recordAudit(entry), clock);
  const keys = observedKeys(audited, measured);
  const { gunPrefixes, keyAlgorithm, cacheAges } = settings;
  const server = createTrustServer({
    ...{ storage, keys, clock, log, gunPrefixes, keyAlgorithm, cacheAges },
    auth: limitedCallers(await openAuth(settings.auth, clock, log), settings.limits.rates),
    limits: settings.limits.update,
  });
  const { refresher } = server;
  const { coordination } = opened;
  const background = await startBackground(settings, {
    ...{ storage: opened.storage, keys, coordination, refresher, metrics: measured, clock, log },
  });
  opening.defer(() => background.stop());
  const refusals = new RefusalLog({ record: (entry) => opened.storage.recordAudit(entry), clock, log });
  opening.defer(() => refusals.settled());
  const tracing = await tracingOf(settings, context, opening);
  const fetch = withRequestLog(observedServer(server.fetch, { metrics: measured, refusals }), log, {
    routeOf: trustRoute,
    plainReads: PLAIN_READS,
    meter: measured.requests,
    ...(tracing === undefined ? {} : { tracing }),
    ...(settings.proxies === undefined ? {} : { proxies: proxiesOf(settings.proxies) }),
  });
  const checks = { storage: () => opened.storage.check() };
  // reads go on without it, on this replica as on every other
  const health = new Health({ checks, advisory: { signer: held.check }, log });
  return { fetch, metrics, health, reloadKeys: held.reload };
}

function proxiesOf({ addresses, requestIdHeader }: NonNullable<ServerSettings['proxies']>): TrustedProxies {
  return new TrustedProxies(requestIdHeader === undefined ? { addresses } : { addresses, requestIdHeader });
}

async function tracingOf(
  { tracing }: ServerSettings,
  { log, version }: StartContext,
  opening: AsyncDisposableStack,
): Promise<Tracing | undefined> {
  if (tracing === undefined) return undefined;
  const { endpoint, headerFiles, ratio } = tracing;
  const read = Object.entries(headerFiles).map(async ([name, path]) => [name, await readSecretFile(path)] as const);
  const headers = Object.fromEntries(await Promise.all(read));
  const opened = await openTracing({ endpoint, headers, ratio, service: 'hallmark-server', version, log });
  opening.defer(() => opened.stop());
  return opened;
}

async function listenAsTold(
  { listen: address, tls, limits }: ServerSettings,
  fetch: Fetch,
  { clock, log }: StartContext,
): Promise<Listener | ReloadingListener> {
  const options = {
    fetch,
    ...address,
    limits: {
      bodyBytes: limits.update.bodyBytes,
      idleSeconds: limits.idleSeconds,
      // the handler's own limit comes first, and says so in words
      bodySeconds: Math.ceil(limits.update.bodyMs / 1000) + ANSWER_SECONDS,
      drainMs: limits.drainSeconds * 1000,
    },
  };
  if (tls === 'plain') return listen({ ...options, tls });
  return listenReloading({ ...options, loadTls: () => loadServerTls(tls, clock()), log });
}

/** @throws TlsError */
export function loadServerTls({ cert, key, clientCa }: ServerTlsPaths, now: Date) {
  return loadTlsIdentity(cert, key, now, clientCa);
}
