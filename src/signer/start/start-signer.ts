// SPDX-License-Identifier: Apache-2.0
import type { Environment } from '../../service/config/index.ts';
import { Health, listenForOperations } from '../../service/health/index.ts';
import { type Log, loadTlsIdentity, type TlsIdentity, watchTls } from '../../service/index.ts';
import { Metrics, measureCertificates } from '../../service/metrics/index.ts';
import type { SignerSettings } from '../config/index.ts';
import {
  type AllowedClients,
  auditToLog,
  type CallLimits,
  type SigningServiceTls,
  startSigningService,
} from '../index.ts';
import { openKeys } from './open-keys.ts';

export interface StartContext {
  readonly env: Environment;
  readonly clock: () => Date;
  readonly log: Log;
  /** The record of what keys were used for; it is written whatever the log's level is. */
  readonly auditLog: Log;
}

export interface RunningSigner {
  readonly hostname: string;
  readonly port: number;
  /** Where /live, /ready and /metrics are, if anywhere. */
  readonly operationsUrl?: string;
  /** Looks at the TLS files now. */
  reload(): Promise<void>;
  /** It says that it is not ready, accepts nothing new, lets calls under way end, and closes what it had opened. */
  stop(): Promise<void>;
}

/**
 * The whole signing service, as its settings say.
 * @throws ListenError, TlsError, SigningServiceTlsError, SecretFileError, DatabaseAddressError, DatabaseOpenError,
 * MigrationError, ServiceKeyError; nothing is left running
 */
export async function startSigner(settings: SignerSettings, context: StartContext): Promise<RunningSigner> {
  const { clock, log, auditLog } = context;
  await using opening = new AsyncDisposableStack();
  for (const warning of settings.warnings) log.warn({}, warning);
  const held = await openKeys(settings.keys, context);
  opening.defer(held.close);
  const health = new Health({ checks: { keys: held.check }, log });
  const metrics = new Metrics({ process: settings.operations !== undefined });
  const operations = listenForOperations(settings.operations, { health, metrics });
  if (operations !== undefined) opening.defer(() => operations.stop());
  const load = () => loadSignerTls(settings, clock());
  const first = await load();
  const service = await startSigningService({
    ...{ keys: held.keys, tls: mutual(first), clock, log, audit: auditToLog(auditLog) },
    ...settings.listen,
    allowed: allowedOf(settings),
    limits: limitsOf(settings),
  });
  opening.defer(() => service.stop());
  opening.defer(() => health.drain());
  const watch = watchTls({ first, load, use: (fresh) => service.useTls(mutual(fresh)), log, clock });
  measureCertificates(metrics, { service: watch.expires });
  opening.defer(() => watch.stop());
  const closing = opening.move();
  const { hostname, port } = service;
  log.info({ hostname, port, operations: operations?.url }, 'serving');
  return {
    hostname,
    port,
    ...(operations === undefined ? {} : { operationsUrl: operations.url }),
    reload: () => watch.look(),
    stop: () => closing.disposeAsync(),
  };
}

/** @throws TlsError */
export function loadSignerTls({ tls }: Pick<SignerSettings, 'tls'>, now: Date): Promise<TlsIdentity> {
  return loadTlsIdentity(tls.cert, tls.key, now, tls.clientCa);
}

/** Without an authority of clients there is no signing service (S4): an empty one is refused when it starts. */
function mutual({ cert, key, clientCa = '' }: TlsIdentity): SigningServiceTls {
  return { cert, key, clientCa };
}

const OPERATIONS = ['create', 'remove', 'info', 'sign'] as const;

function allowedOf({ clients }: SignerSettings): AllowedClients {
  const listed = OPERATIONS.filter((operation) => clients[operation] !== undefined);
  return Object.fromEntries(listed.map((operation) => [operation, clients[operation]]));
}

function limitsOf({ limits: { inFlight, deadline } }: SignerSettings): Partial<CallLimits> {
  return {
    ...(inFlight === undefined ? {} : { inFlight }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline * 1000 }),
  };
}
