// SPDX-License-Identifier: Apache-2.0
import { EndReminder, endOf } from './certificate-end.ts';
import type { Log } from './log.ts';
import type { TlsIdentity } from './tls-identity.ts';

export interface TlsWatchOptions {
  /** What is in use. */
  readonly first: TlsIdentity;
  /** Reads the files anew, and rejects when they cannot be used. */
  readonly load: () => Promise<TlsIdentity>;
  /** Takes what is new into use. What it throws is logged, and what was in use stays. */
  readonly use: (fresh: TlsIdentity) => void;
  readonly log: Log;
  readonly clock: () => Date;
  /** How often the files are looked at, in milliseconds. */
  readonly everyMs?: number;
}

export interface TlsWatch {
  /** Looks at the files now. What is broken is logged, and never thrown. */
  look(): Promise<void>;
  /** When the certificate in use ends. */
  expires(): Date;
  /** Resolves once a look under way has ended. */
  stop(): Promise<void>;
}

/**
 * Often enough for certificates that are renewed days before they end. The files are read, not watched: what replaces
 * them may be a rename, a link of Kubernetes or a write on another machine.
 */
const EVERY_MS = 15_000;

/** Takes certificates into use that were put in the place of others, and says in time that one ends. */
export function watchTls({ first, load, use, log, clock, everyMs = EVERY_MS }: TlsWatchOptions): TlsWatch {
  const reminder = new EndReminder(log, clock);
  reminder.look(first);
  let current = first;
  let isStopped = false;
  let last = Promise.resolve();
  const replaceIfChanged = async () => {
    const fresh = await load();
    if (isStopped || isSame(fresh, current)) return;
    use(fresh);
    current = fresh;
    log.info({}, 'new certificate in use');
  };
  const look = () => {
    last = last
      .then(replaceIfChanged)
      .catch((error: unknown) => log.error({ error }, 'new TLS files cannot be used: the old certificate stays in use'))
      .then(() => reminder.look(current));
    return last;
  };
  const timer = setInterval(() => void look(), everyMs);
  return {
    look,
    expires: () => endOf(current),
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await last;
    },
  };
}

function isSame(a: TlsIdentity, b: TlsIdentity): boolean {
  return a.cert === b.cert && a.key === b.key && a.clientCa === b.clientCa;
}
