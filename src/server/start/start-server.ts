// SPDX-License-Identifier: Apache-2.0
import type { Environment, ServerTlsPaths } from '../../service/config/index.ts';
import { Health, listenForOperations } from '../../service/health/index.ts';
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
  type Wait,
  waitFor,
  withRequestLog,
} from '../../service/index.ts';
import { Metrics, measureCertificates } from '../../service/metrics/index.ts';
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
import { CONSOLE_ROUTES, consoleRoute, isForConsole, type OpenConsole, readerDoor, readOnly } from './console-door.ts';
import { openAuth } from './open-auth.ts';
import { openKeys, type ServerKeys } from './open-keys.ts';
import { openStorage } from './open-storage.ts';
import { readHeaders } from './tracing-headers.ts';

export interface StartContext {
  readonly env: Environment;
  readonly clock: () => Date;
  readonly log: Log;
  readonly version: string;
  /** Makes the console's pages, where settings want them. */
  readonly openConsole?: OpenConsole;
  /** Passes the time for which a server that stops still accepts. */
  readonly wait?: Wait;
}

export interface RunningServer {
  readonly url: string;
  readonly hostname: string;
  readonly port: number;
  /** Where /live, /ready and /metrics are, if anywhere. */
  readonly operationsUrl?: string;
  /** Where the console is, if anywhere. */
  readonly consoleUrl?: string;
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
  const { log, wait = waitFor } = context;
  await using opening = new AsyncDisposableStack();
  for (const warning of settings.warnings) log.warn({}, warning);
  const { fetch, pages, health, metrics, held } = await openApp(settings, context, opening);
  const operations = listenForOperations(settings.operations, { health, metrics });
  if (operations !== undefined) opening.defer(() => operations.stop());
  const ownAddress = settings.console?.listen;
  const listener = await listenAsTold(settings, ownAddress === undefined ? withPages(fetch, pages) : fetch, context);
  opening.defer(() => listener.stop());
  measureCertificates(metrics, { service: 'expires' in listener && listener.expires, signer: held.expires });
  const consoleListener =
    pages && ownAddress && (await listenAsTold({ ...settings, listen: ownAddress }, pages, context));
  if (consoleListener !== undefined) opening.defer(() => consoleListener.stop());
  opening.defer(async () => {
    health.drain();
    await wait(settings.limits.stopDelaySeconds * 1000, new AbortController().signal);
  });
  const closing = opening.move();
  const { hostname, port, url } = listener;
  const consoleUrl = pages && `${(consoleListener ?? listener).url}/console/`;
  log.info({ url, operations: operations?.url, console: consoleUrl }, 'serving');
  return {
    hostname,
    port,
    url,
    ...(operations === undefined ? {} : { operationsUrl: operations.url }),
    ...(consoleUrl === undefined ? {} : { consoleUrl }),
    async reload() {
      const listeners = [listener, consoleListener].map(reloaded);
      await Promise.all([...listeners, held.reload?.()]);
    },
    stop: () => closing.disposeAsync(),
  };
}

async function reloaded(listener: Listener | ReloadingListener | undefined): Promise<void> {
  if (listener !== undefined && 'reload' in listener) await listener.reload();
}

/** Pages on the server's own port, below a path that the API does not have. */
function withPages(fetch: Fetch, pages: Fetch | undefined): Fetch {
  return pages === undefined ? fetch : (request) => (isForConsole(request) ? pages(request) : fetch(request));
}

interface App {
  readonly fetch: Fetch;
  /** The console, where settings want one. */
  readonly pages: Fetch | undefined;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly held: ServerKeys;
}

/** All but the listeners; what has to be closed goes on the stack, and is closed in the opposite order. */
async function openApp(settings: ServerSettings, context: StartContext, opening: AsyncDisposableStack): Promise<App> {
  const { clock, log } = context;
  const metrics = new Metrics({ process: settings.operations !== undefined });
  const measured = new TrustMetrics(
    metrics,
    settings.webhooks.map(({ name }) => name),
    settings.console === undefined ? [] : CONSOLE_ROUTES,
  );
  const opened = await openStorage(settings.storage);
  opening.defer(opened.close);
  const storage = new CachedStorage(observedStorage(opened.storage, measured));
  measured.watchCache(() => storage.statistics());
  const held = await openKeys(settings.keys, context);
  opening.defer(held.close);
  const audited = auditedKeys(held.keys, (entry) => opened.storage.recordAudit(entry), clock);
  const keys = observedKeys(audited, measured);
  const { gunPrefixes, keyAlgorithm, cacheAges } = settings;
  const auth = await openAuth(settings.auth, clock, log);
  const server = createTrustServer({
    ...{ storage, keys, clock, log, gunPrefixes, keyAlgorithm, cacheAges },
    auth: limitedCallers(auth, settings.limits.rates),
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
  const logged = {
    meter: measured.requests,
    ...(tracing === undefined ? {} : { tracing }),
    ...(settings.proxies === undefined ? {} : { proxies: proxiesOf(settings.proxies) }),
  };
  const observed = observedServer(server.fetch, { metrics: measured, refusals });
  const fetch = withRequestLog(observed, log, { routeOf: trustRoute, plainReads: PLAIN_READS, ...logged });
  const openConsole = settings.console && context.openConsole;
  const shown = openConsole?.({ source: readOnly(storage), door: readerDoor(auth), clock, log });
  const pages = shown && withRequestLog(shown, log, { routeOf: consoleRoute, ...logged });
  const checks = { storage: () => opened.storage.check() };
  // reads go on without it, on this replica as on every other
  const health = new Health({ checks, advisory: { signer: held.check }, log });
  return { fetch, pages, metrics, health, held };
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
  const headers = await readHeaders(headerFiles);
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
  return listenReloading({ ...options, loadTls: () => loadServerTls(tls, clock()), log, clock });
}

/** @throws TlsError */
export function loadServerTls({ cert, key, clientCa }: ServerTlsPaths, now: Date) {
  return loadTlsIdentity(cert, key, now, clientCa);
}
