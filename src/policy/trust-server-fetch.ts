// SPDX-License-Identifier: Apache-2.0
import { DownloadError, type HttpFetch } from '../client/index.ts';
import { authenticatedFetch, RegistryError, registryHost, repositoryScope } from '../registry/index.ts';
import type { Gun } from '../tuf/index.ts';

type Sending = Parameters<typeof authenticatedFetch>[0];

export interface TrustServerFetchOptions {
  readonly gun: Gun;
  /** Base URL of the trust server. */
  readonly server: string;
  /** Whose credentials are sent: those of this registry. */
  readonly domain: string;
  readonly actions: Parameters<typeof repositoryScope>[1];
  readonly credentials: NonNullable<Sending['credentials']>;
  readonly transport: NonNullable<Sending['transport']>;
}

/**
 * Requests to a trust server with the registry's credentials, as Docker sends them. What goes wrong on the way to a token
 * is a refusal of the trust server; nothing falls back to a request without one.
 */
export function trustServerFetch({ gun, server, domain, actions, ...rest }: TrustServerFetchOptions): HttpFetch {
  const send = authenticatedFetch({
    ...rest,
    origin: new URL(server).origin,
    scopes: [repositoryScope(gun, actions)],
    credentialHost: registryHost({ domain }),
  });
  return async (url, init) => {
    try {
      return await send(new Request(url, init));
    } catch (error) {
      if (error instanceof RegistryError && error.code !== 'timeout')
        throw new DownloadError('unauthorized', url, error.message, { cause: error });
      throw error;
    }
  };
}
