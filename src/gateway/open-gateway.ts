// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DecisionObserver, loadPolicy, type Policy, PolicyEngine } from '../policy/index.ts';
import type { Credentials } from '../registry/index.ts';
import { Health, operationsApp } from '../service/health/index.ts';
import {
  ensureOwnTls,
  type Fetch,
  type Listener,
  type Log,
  listen,
  loadTlsIdentity,
  type TlsIdentity,
  withRequestLog,
} from '../service/index.ts';
import { BlobCache } from './blob-cache.ts';
import { ClosureStore } from './closure.ts';
import type { GatewayConfig } from './config.ts';
import { createGateway } from './gateway.ts';
import { GatewayMetrics } from './metrics.ts';
import { Upstreams } from './upstreams.ts';

export interface OpenGatewayOptions {
  readonly config: GatewayConfig;
  readonly clock: () => Date;
  readonly log: Log;
  /** The gateway's own login for a registry and its trust server. */
  readonly credentials: (domain: string) => Promise<Credentials | undefined>;
}

export interface OpenedGateway {
  readonly url: string;
  readonly metricsUrl: string | undefined;
  /** The authority that engines have to trust; undefined where the certificate was given. */
  readonly caFile: string | undefined;
  /** What weakens the policy. */
  readonly warnings: readonly string[];
  /** Lets what is under way end, within the listener's limit. */
  stop(): Promise<void>;
}

/**
 * A gateway that serves, with its state below `data`: trust data, closure, blobs, and its own authority unless a certificate was given.
 * @throws PolicyError, TlsError, ListenError, DatabaseOpenError, TrustDirectoryError
 */
export async function openGateway(options: OpenGatewayOptions): Promise<OpenedGateway> {
  const { config, clock, log } = options;
  const policy = loadPolicy(config.policy);
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const { identity, caFile } = await tlsOf(config, clock());
  const metrics = new GatewayMetrics();
  const { fetch, check, close } = await openParts(options, policy, metrics);
  const health = new Health({ checks: { closure: check }, log });
  const listeners: Listener[] = [];
  const stop = async () => {
    health.drain();
    await Promise.all(listeners.map((listener) => listener.stop()));
    await close();
  };
  try {
    const limits = { idleSeconds: 255 };
    const serving = listen({ fetch: withRequestLog(fetch, log), tls: identity, ...config.listen, limits });
    listeners.push(serving);
    const operations = operationsApp({ health, metrics: metrics.metrics });
    const watched = config.metrics && listen({ fetch: operations, tls: 'plain', ...config.metrics });
    if (watched !== undefined) listeners.push(watched);
    return { url: serving.url, metricsUrl: watched?.url, caFile, warnings: policy.warnings, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The gateway without a listener, and what has to be closed behind it. */
async function openParts(
  { config, clock, log, credentials }: OpenGatewayOptions,
  policy: Policy,
  metrics: GatewayMetrics,
): Promise<{ readonly fetch: Fetch; check(): Promise<void>; close(): Promise<void> }> {
  const elapsed = () => performance.now();
  const directory = join(config.data, 'trust');
  const observer = observerOf(log, metrics);
  const engine = new PolicyEngine({ policy, directory, point: 'gateway', clock, elapsed, credentials, observer });
  const closure = await ClosureStore.open(join(config.data, 'closure.db'), clock);
  const isCaching = [...config.upstreams.values()].some(({ blobs }) => blobs === 'cache');
  const notKept = (digest: string, error: unknown) => log.warn({ digest, error }, 'a blob could not be kept');
  const cache = isCaching ? await BlobCache.open(join(config.data, 'blobs'), config.cacheBytes, notKept) : undefined;
  const upstreams = new Upstreams({ upstreams: config.upstreams, credentials });
  const answered = (route: string, status: number) => metrics.answered(route, status);
  const { mapping } = config;
  const { fetch } = createGateway({ engine, mapping, upstreams, closure, cache, clock, elapsed, log, answered });
  const close = async () => {
    engine.close();
    await closure.close();
  };
  return { fetch, check: () => closure.check(), close };
}

async function tlsOf(
  { tls, data, listen: { hostname }, names }: GatewayConfig,
  now: Date,
): Promise<{ readonly identity: TlsIdentity; readonly caFile: string | undefined }> {
  if (tls !== undefined) return { identity: await loadTlsIdentity(tls.cert, tls.key, now), caFile: undefined };
  const { identity, caFile } = await ensureOwnTls(data, [...new Set([hostname, ...names])], now);
  return { identity, caFile };
}

/** Allowed images at `debug`: engines ask several times for each; what was refused or let through in spite of it always (S29). */
function observerOf(log: Log, metrics: GatewayMetrics): DecisionObserver {
  return {
    log: (level, record, message) => (level === 'warn' ? log.warn(record, message) : log.debug(record, message)),
    count: (labels) => metrics.decided(labels),
  };
}
