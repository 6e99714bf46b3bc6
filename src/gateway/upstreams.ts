// SPDX-License-Identifier: Apache-2.0
import { type Credentials, RegistryClient, registryHost, type Transport } from '../registry/index.ts';
import { GatewayRefusal } from './refusals.ts';

export type BlobMode = 'proxy' | 'cache' | 'redirect';

export interface Upstream {
  /** Where it is, if not where its name says: host and port. */
  readonly host?: string;
  /** PEM text of its authority, in place of the system's. */
  readonly ca?: string;
  readonly blobs: BlobMode;
}

export interface UpstreamOptions {
  /** By the registry's name in images. */
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The gateway's own logins; those of its clients go nowhere. */
  readonly credentials: (domain: string) => Promise<Credentials | undefined>;
  readonly transport?: Transport;
}

/** The registries behind a gateway: no other is ever asked, whatever a request or a manifest names (S34). */
export class Upstreams {
  readonly #upstreams: ReadonlyMap<string, Upstream>;
  readonly #clients: ReadonlyMap<string, RegistryClient>;

  constructor({ upstreams, credentials, transport }: UpstreamOptions) {
    this.#upstreams = upstreams;
    this.#clients = new Map(
      [...upstreams].map(([domain, { host = registryHost({ domain }), ca }]) => {
        const client = new RegistryClient({
          host,
          credentials: () => credentials(domain),
          ...(ca === undefined ? {} : { tls: { ca } }),
          ...(transport === undefined ? {} : { transport }),
          userAgent: 'hallmark-gateway',
        });
        return [domain, client];
      }),
    );
  }

  client(domain: string): RegistryClient {
    const found = this.#clients.get(domain);
    if (found === undefined) throw new GatewayRefusal('denied', 'this gateway does not stand for that registry');
    return found;
  }

  blobMode(domain: string): BlobMode {
    return this.#upstreams.get(domain)?.blobs ?? 'proxy';
  }
}
