// SPDX-License-Identifier: Apache-2.0
import { type Listener, type ListenOptions, listen } from './listener.ts';
import type { Log } from './log.ts';
import type { TlsIdentity } from './tls-identity.ts';
import { watchTls } from './tls-watch.ts';

export interface ReloadingOptions extends Omit<ListenOptions, 'tls' | 'sharePort'> {
  /** Reads the files anew, and rejects when they cannot be used. */
  readonly loadTls: () => Promise<TlsIdentity>;
  readonly log: Log;
  readonly clock: () => Date;
  /** How often the files are looked at, in milliseconds. */
  readonly everyMs?: number;
}

export interface ReloadingListener extends Listener {
  /** Looks at the files now. What is broken is logged, and what was served before is served on. */
  reload(): Promise<void>;
  /** When the certificate in use ends. */
  expires(): Date;
}

/**
 * Serves HTTP over TLS, with the certificate that lies in the files now. Bun cannot change a listener's certificate, so
 * a new listener takes the port beside the old one, which then accepts nothing new and lets its requests end. A
 * connection that the kernel has just completed for the old one would be reset unless Linux's `net.ipv4.tcp_migrate_req`
 * is 1 (docs/adr/0016).
 * @throws ListenError; and what `loadTls` throws: nothing starts with files that cannot be used (S8)
 */
export async function listenReloading(options: ReloadingOptions): Promise<ReloadingListener> {
  const { loadTls, log, clock, everyMs, ...rest } = options;
  const first = await loadTls();
  // a port that is to be shared could be shared with whoever has it already: it has to be free first
  const probe = listen({ ...rest, tls: first });
  await probe.stop();
  let listener = listen({ ...rest, port: probe.port, tls: first, sharePort: true });
  const { hostname, port, url } = listener;
  const retired = new Set<Promise<void>>();
  const replace = (tls: TlsIdentity) => {
    const old = listener;
    listener = listen({ ...rest, port, tls, sharePort: true });
    const stopping = old.stop().finally(() => retired.delete(stopping));
    retired.add(stopping);
  };
  const pace = everyMs === undefined ? {} : { everyMs };
  const watch = watchTls({ first, load: loadTls, use: replace, log, clock, ...pace });
  return {
    hostname,
    port,
    url,
    reload: watch.look,
    expires: watch.expires,
    async stop() {
      await watch.stop();
      await Promise.all([listener.stop(), ...retired]);
    },
  };
}
