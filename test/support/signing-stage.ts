// SPDX-License-Identifier: Apache-2.0
import { SILENT_LOG, withCalls } from '../../src/service/index.ts';
import {
  type KeyUse,
  type SigningService,
  type SigningServiceOptions,
  startSigningService,
} from '../../src/signer/index.ts';
import {
  type OpenedRemoteServiceKeys,
  openRemoteServiceKeys,
  type RemoteServiceKeysOptions,
} from '../../src/signing/remote/index.ts';
import { MemoryServiceKeys, type ServiceKeys } from '../../src/signing/service-keys/index.ts';
import { readVectorJson } from './vectors.ts';

/** Keys as Notary's first signers kept them: what each was made for was not noted yet. */
export function withoutPurpose(keys: ServiceKeys): ServiceKeys {
  const info: ServiceKeys['info'] = async (id) => {
    const found = await keys.info(id);
    return found && { ...found, gun: undefined, role: undefined };
  };
  return withCalls(keys, { info });
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Certificates for both sides, and those of strangers. */
export const TLS: Readonly<
  Record<
    'ca' | 'other-ca' | 'signer' | 'address' | 'client' | 'other-client' | 'stranger' | 'impostor' | 'forged',
    Pair
  >
> = readVectorJson('certificates/mutual-tls.json');

export const SERVICE_TLS = { ...TLS.signer, clientCa: TLS.ca.cert };
export const CLIENT_TLS = { ...TLS.client, ca: TLS.ca.cert };

/** Signing services and their clients in this process, over real connections with certificates on both sides. */
export class SigningStage {
  now = new Date('2026-11-23T12:00:00Z');
  readonly keys: ServiceKeys;
  /** Every line of the audit, in its order. */
  readonly uses: KeyUse[] = [];
  readonly #open: { close(): Promise<void> }[] = [];

  constructor(keys: ServiceKeys = new MemoryServiceKeys()) {
    this.keys = keys;
  }

  async start(options: Partial<SigningServiceOptions> = {}): Promise<SigningService> {
    const service = await startSigningService({
      keys: this.keys,
      hostname: '127.0.0.1',
      port: 0,
      tls: SERVICE_TLS,
      clock: () => this.now,
      log: SILENT_LOG,
      audit: (use) => void this.uses.push(use),
      ...options,
    });
    this.#open.push({ close: () => service.stop() });
    return service;
  }

  connect(
    { port }: Pick<SigningService, 'port'>,
    options: Partial<RemoteServiceKeysOptions> = {},
  ): OpenedRemoteServiceKeys {
    const limits = { deadlineMs: 60_000, ...options.limits };
    const remote = openRemoteServiceKeys({ hostname: 'localhost', port, tls: CLIENT_TLS, ...options, limits });
    this.#open.push(remote);
    return remote;
  }

  async close(): Promise<void> {
    for (const open of this.#open.splice(0).reverse()) await open.close();
  }
}
