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
export {
  ListenError,
  type Listener,
  type ListenLimits,
  type ListenOptions,
  listen,
  MAX_LISTEN_SECONDS,
} from './listener.ts';
export { type AdjustableLog, LOG_LEVELS, type Log, type LogLevel, openLog, SILENT_LOG } from './log.ts';
export { ensureOwnTls, type OwnTls } from './own-authority.ts';
export { readPrivateFile, writePrivateFile } from './private-file.ts';
export { listenReloading, type ReloadingListener, type ReloadingOptions } from './reloading-listener.ts';
export { type Fetch, withRequestLog } from './request-log.ts';
export { noteOrigin, originOf, type RequestOrigin } from './request-origin.ts';
export { loadAuthorities, loadTlsIdentity, TlsError, type TlsIdentity } from './tls-identity.ts';
