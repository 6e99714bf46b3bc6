// SPDX-License-Identifier: Apache-2.0
/**
 * The keys of a signing service, Hallmark's or Notary's, over gRPC with certificates on both sides. It never holds a
 * private key, and believes no signature that it did not verify. Not part of the library.
 *
 *     const keys = openRemoteServiceKeys({ hostname: 'signer', port: 7899, tls: { ca, cert, key } });
 *     await keys.check();
 *     const signer = await keys.signer(keyId);
 *     await keys.close();
 */
import type { ServiceKeys } from '../service-keys/index.ts';
import { Channel, type ChannelAddress, type ChannelLimits, DEFAULT_CHANNEL_LIMITS } from './channel.ts';
import { RemoteServiceKeys } from './remote-keys.ts';

export interface RemoteServiceKeysOptions extends ChannelAddress {
  readonly limits?: Partial<ChannelLimits>;
}

export interface OpenedRemoteServiceKeys extends ServiceKeys {
  /** That the service is there and says that it works. @throws RemoteSignerError */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Nothing is connected before the first call. @throws RemoteSignerError `bad-tls` */
export function openRemoteServiceKeys(options: RemoteServiceKeysOptions): OpenedRemoteServiceKeys {
  return new RemoteServiceKeys(new Channel(options, { ...DEFAULT_CHANNEL_LIMITS, ...options.limits }));
}
