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
export { type Address, parseAddress } from './address.ts';
export { type Wait, waitFor } from './background-loop.ts';
export { clientNetwork, isNetwork, TrustedProxies } from './client-address.ts';
export { ListenError, type Listener, listen, MAX_LISTEN_SECONDS } from './listener.ts';
export { type AdjustableLog, LOG_LEVELS, type Log, type LogLevel, openLog, SILENT_LOG } from './log.ts';
export { type Around, observedCalls, withCalls } from './observed-calls.ts';
export { ensureOwnTls } from './own-authority.ts';
export { readPrivateFile, writePrivateFile } from './private-file.ts';
export { type Budget, RateLimiter } from './rate-limit.ts';
export { listenReloading, type ReloadingListener } from './reloading-listener.ts';
export { currentRequest, identifyRequest, outsideOfRequests, traced } from './request-context.ts';
export { type Fetch, withRequestLog } from './request-log.ts';
export { noteOrigin, originOf } from './request-origin.ts';
export { pathAndQuery, queryOf, targetUrl } from './request-target.ts';
export type { Tracing } from './span.ts';
export { loadTlsIdentity, TlsError, type TlsIdentity } from './tls-identity.ts';
export { watchTls } from './tls-watch.ts';
export { listenUnix, type UnixListener } from './unix-listener.ts';
export { placeSocket } from './unix-socket.ts';
