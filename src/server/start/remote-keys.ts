// SPDX-License-Identifier: Apache-2.0
import { readPem, type TlsPaths } from '../../service/config/index.ts';
import {
  type Address,
  currentRequest,
  type Log,
  loadTlsIdentity,
  type TlsIdentity,
  watchTls,
} from '../../service/index.ts';
import type { OpenedKeys } from '../../signing/key-database/index.ts';
import {
  type OpenedRemoteServiceKeys,
  openRemoteServiceKeys,
  type RemoteServiceKeysOptions,
} from '../../signing/remote/index.ts';

/** Calls that were under way when a certificate was replaced have this long to end, in milliseconds. */
const RETIRE_MS = 30_000;

/**
 * Keys of a signing service, over connections with the certificates that lie in the files now. Nothing is called before a
 * key is wanted, so that services may start in any order.
 * @throws TlsError, SecretFileError, RemoteSignerError `bad-tls`
 */
export async function openRemoteKeys(
  { tls, ...address }: Address & { readonly tls: TlsPaths },
  clock: () => Date,
  log: Log,
  limits: RemoteServiceKeysOptions['limits'] = {},
): Promise<OpenedKeys & { reload(): Promise<void>; expires(): Date }> {
  const load = async (): Promise<TlsIdentity> => {
    const ca = await readPem(tls.ca);
    return { ...(await loadTlsIdentity(tls.cert, tls.key, clock())), clientCa: ca };
  };
  const first = await load();
  const connections = new Connections({ ...address, limits, requestId: () => currentRequest()?.id }, first);
  const watch = watchTls({ first, load, use: (fresh) => connections.renew(fresh), log, clock });
  return {
    keys: {
      create: (gun, role, algorithm) => connections.current.create(gun, role, algorithm),
      signer: (id) => connections.current.signer(id),
      info: (id) => connections.current.info(id),
      remove: (id) => connections.current.remove(id),
    },
    check: () => connections.current.check(),
    reload: () => watch.look(),
    expires: watch.expires,
    async close() {
      await watch.stop();
      await connections.close();
    },
  };
}

/** The connection for new calls, and those that others made before it are ending on. */
class Connections {
  current: OpenedRemoteServiceKeys;
  readonly #options: Omit<RemoteServiceKeysOptions, 'tls'>;
  readonly #retiring = new Map<OpenedRemoteServiceKeys, ReturnType<typeof setTimeout>>();

  constructor(options: Omit<RemoteServiceKeysOptions, 'tls'>, identity: TlsIdentity) {
    this.#options = options;
    this.current = this.#connect(identity);
  }

  renew(identity: TlsIdentity): void {
    const old = this.current;
    this.current = this.#connect(identity);
    const timer = setTimeout(() => {
      this.#retiring.delete(old);
      void old.close();
    }, RETIRE_MS);
    this.#retiring.set(old, timer);
  }

  async close(): Promise<void> {
    for (const [old, timer] of this.#retiring) {
      clearTimeout(timer);
      await old.close();
    }
    await this.current.close();
  }

  #connect({ cert, key, clientCa = '' }: TlsIdentity): OpenedRemoteServiceKeys {
    return openRemoteServiceKeys({ ...this.#options, tls: { ca: clientCa, cert, key } });
  }
}
