// SPDX-License-Identifier: Apache-2.0
import { type Listener, type ListenOptions, listen } from './listener.ts';
import type { Log } from './log.ts';
import type { TlsIdentity } from './tls-identity.ts';

export interface ReloadingOptions extends Omit<ListenOptions, 'tls' | 'sharePort'> {
  /** Reads the files anew, and rejects when they cannot be used. */
  readonly loadTls: () => Promise<TlsIdentity>;
  readonly log: Log;
  /** How often the files are looked at, in milliseconds. */
  readonly everyMs?: number;
}

export interface ReloadingListener extends Listener {
  /** Looks at the files now. What is broken is logged, and what was served before is served on. */
  reload(): Promise<void>;
}

/**
 * Often enough for certificates that are renewed days before they end. The files are read, not watched: what replaces
 * them may be a rename, a link of Kubernetes or a write on another machine.
 */
const EVERY_MS = 15_000;

/**
 * Serves HTTP over TLS, with the certificate that lies in the files now. Bun cannot change a listener's certificate, so
 * a new listener takes the port beside the old one, which then accepts nothing new and lets its requests end. A
 * connection that the kernel has just completed for the old one would be reset unless Linux's `net.ipv4.tcp_migrate_req`
 * is 1 (docs/adr/0016).
 * @throws ListenError; and what `loadTls` throws: nothing starts with files that cannot be used (S8)
 */
export async function listenReloading(options: ReloadingOptions): Promise<ReloadingListener> {
  const { loadTls, log, everyMs = EVERY_MS, ...rest } = options;
  let identity = await loadTls();
  // a port that is to be shared could be shared with whoever has it already: it has to be free first
  const probe = listen({ ...rest, tls: identity });
  await probe.stop();
  let listener = listen({ ...rest, port: probe.port, tls: identity, sharePort: true });
  const { hostname, port, url } = listener;
  const retired = new Set<Promise<void>>();
  let isStopped = false;

  const replaceIfChanged = async () => {
    const fresh = await loadTls();
    if (isStopped || isSame(fresh, identity)) return;
    const old = listener;
    listener = listen({ ...rest, port, tls: fresh, sharePort: true });
    identity = fresh;
    const stopping = old.stop().finally(() => retired.delete(stopping));
    retired.add(stopping);
    log.info({ port }, 'serving with the new certificate');
  };
  let last = Promise.resolve();
  const reload = () => {
    last = last
      .then(replaceIfChanged)
      .catch((error: unknown) => log.error({ error, port }, 'the new TLS files cannot be used: serving with the old'));
    return last;
  };
  const timer = setInterval(() => void reload(), everyMs);
  return {
    hostname,
    port,
    url,
    reload,
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await last;
      await Promise.all([listener.stop(), ...retired]);
    },
  };
}

function isSame(a: TlsIdentity, b: TlsIdentity): boolean {
  return a.cert === b.cert && a.key === b.key && a.clientCa === b.clientCa;
}
