// SPDX-License-Identifier: Apache-2.0
import { type Address, readPem, type TlsPaths } from '../../service/config/index.ts';
import { type Log, loadTlsIdentity, type TlsIdentity, watchTls } from '../../service/index.ts';
import { type OpenedRemoteServiceKeys, openRemoteServiceKeys } from '../../signing/remote/index.ts';
import type { ServerKeys } from './open-keys.ts';

/** Calls that were under way when a certificate was replaced have this long to end, in milliseconds. */
const RETIRE_MS = 30_000;

/**
 * Keys of a signing service, over connections with the certificates that lie in the files now. Nothing is called before a
 * key is wanted, so that services may start in any order.
 * @throws TlsError, SecretFileError, RemoteSignerError `bad-tls`
 */
export async function openRemoteKeys(
  { hostname, port, tls }: Address & { readonly tls: TlsPaths },
  clock: () => Date,
  log: Log,
): Promise<ServerKeys> {
  const load = async (): Promise<TlsIdentity> => {
    const ca = await readPem(tls.ca);
    return { ...(await loadTlsIdentity(tls.cert, tls.key, clock())), clientCa: ca };
  };
  const connect = ({ cert, key, clientCa = '' }: TlsIdentity) =>
    openRemoteServiceKeys({ hostname, port, tls: { ca: clientCa, cert, key } });
  const first = await load();
  let current = connect(first);
  const retiring = new Map<OpenedRemoteServiceKeys, ReturnType<typeof setTimeout>>();
  const retire = (old: OpenedRemoteServiceKeys) => {
    retiring.delete(old);
    return old.close();
  };
  const use = (fresh: TlsIdentity) => {
    const old = current;
    current = connect(fresh);
    retiring.set(
      old,
      setTimeout(() => void retire(old), RETIRE_MS),
    );
  };
  const watch = watchTls({ first, load, use, log });
  return {
    keys: {
      create: (gun, role, algorithm) => current.create(gun, role, algorithm),
      signer: (id) => current.signer(id),
      info: (id) => current.info(id),
      remove: (id) => current.remove(id),
    },
    check: () => current.check(),
    reload: () => watch.look(),
    async close() {
      await watch.stop();
      for (const [old, timer] of retiring) {
        clearTimeout(timer);
        await retire(old);
      }
      await current.close();
    },
  };
}
