// SPDX-License-Identifier: Apache-2.0
/**
 * What every service of Hallmark shares: listening, TLS, logs, private files. It knows no trust and no route, and never
 * falls back to plain HTTP by itself.
 *
 *     const { identity } = await ensureOwnTls('/var/lib/hallmark', ['trust.example.com'], new Date());
 *     const fetch = withRequestLog(app.fetch, openLog('info'));
 *     const listener = listen({ fetch, tls: identity, hostname: '127.0.0.1', port: 4443 });
 *     await listener.stop();
 */
export { backoff, type Loop, type LoopOptions, startLoop, type Wait, waitFor } from './background-loop.ts';
export { clientNetwork, NetworkError, type ProxyOptions, TrustedProxies } from './client-address.ts';
export {
  ListenError,
  type Listener,
  type ListenLimits,
  type ListenOptions,
  listen,
  MAX_LISTEN_SECONDS,
} from './listener.ts';
export { type AdjustableLog, LOG_LEVELS, type Log, type LogLevel, openLog, SILENT_LOG } from './log.ts';
export { type Around, observedCalls, withCalls } from './observed-calls.ts';
export { ensureOwnTls, type OwnTls } from './own-authority.ts';
export { readPrivateFile, writePrivateFile } from './private-file.ts';
export { type Budget, RateLimiter } from './rate-limit.ts';
export { listenReloading, type ReloadingListener, type ReloadingOptions } from './reloading-listener.ts';
export {
  currentRequest,
  identifyRequest,
  outsideOfRequests,
  type RequestContext,
  traced,
} from './request-context.ts';
export {
  type Fetch,
  REQUEST_ID_HEADER,
  type RequestLogOptions,
  type RequestMeter,
  withRequestLog,
} from './request-log.ts';
export { noteOrigin, originOf, type RequestOrigin } from './request-origin.ts';
export { pathAndQuery, queryOf } from './request-target.ts';
export type { Span, Tracing } from './span.ts';
export { loadTlsIdentity, TlsError, type TlsIdentity } from './tls-identity.ts';
export { type TlsWatch, type TlsWatchOptions, watchTls } from './tls-watch.ts';
export { listenUnix, type UnixListener, type UnixListenOptions } from './unix-listener.ts';
export { placeSocket } from './unix-socket.ts';
