// SPDX-License-Identifier: Apache-2.0
import {
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  DownloadError,
  type HttpFetch,
  HttpFetcher,
  type TrustedRepository,
  Updater,
} from '../client/index.ts';
import { HttpTrustServer, Publisher } from '../publisher/index.ts';
import {
  authenticatedFetch,
  type Credentials,
  dockerCredentials,
  gun as gunOf,
  type ImageReference,
  RegistryClient,
  RegistryError,
  registryHost,
  repositoryScope,
} from '../registry/index.ts';
import { openKeyStore } from '../signing/index.ts';
import { canonicalKeyId, type Gun, notaryV1, type PublicKey, parseGun } from '../tuf/index.ts';
import type { Io } from './io.ts';
import { passphrasesFrom } from './passphrase-sources.ts';
import { warnOfNewRootKey } from './prompts.ts';
import { type GlobalOptions, parseDuration, trustDirectory, trustServer } from './settings.ts';
import { tlsFilesFor, tlsTransport } from './tls-files.ts';

/** One repository as a command works on it: its trust data, its keys, its registry. */
export class Session {
  readonly gun: Gun;
  readonly server: string;
  readonly #io: Io;
  readonly #options: GlobalOptions;
  readonly #reference: ImageReference;
  readonly #fetchers = new Map<string, HttpFetch>();

  constructor(io: Io, options: GlobalOptions, reference: ImageReference) {
    this.#io = io;
    this.#options = options;
    this.#reference = reference;
    this.gun = parseGun(gunOf(reference));
    this.server = trustServer(io, options, reference);
  }

  /** The repository as it is trusted now; a first use is told. */
  refresh(actions: 'pull' | 'pull,push' = 'pull'): Promise<TrustedRepository> {
    return this.#refresh(actions);
  }

  async #refresh(actions: 'pull' | 'pull,push'): Promise<TrustedRepository> {
    const { maxStaleness } = this.#options;
    const directory = trustDirectory(this.#io, this.#options);
    const repository = await new Updater({
      gun: this.gun,
      dialect: notaryV1,
      fetcher: new HttpFetcher({ server: this.server, fetch: this.#fetch(actions) }),
      cache: new DirectoryMetadataCache(directory),
      marks: new DirectoryHighWaterMarks(directory),
      pinning: { trustOnFirstUse: true },
      now: this.#io.now(),
      ...(maxStaleness === undefined
        ? {}
        : { maxStalenessMilliseconds: parseDuration(maxStaleness, '--max-staleness') }),
    }).refresh();
    this.#tell(repository);
    return repository;
  }

  #tell({ pinnedOnFirstUse, staleSince, refused }: TrustedRepository): void {
    const { stderr } = this.#io;
    if (pinnedOnFirstUse !== undefined)
      stderr.write(`First use of ${this.gun}: pinned root key ${pinnedOnFirstUse.map(shortId).join(', ')}\n`);
    if (staleSince !== undefined)
      stderr.write(`Warning: trust server cannot be reached; using data checked at ${staleSince.toISOString()}\n`);
    for (const [role, { message }] of refused) stderr.write(`Warning: ${role} is passed over: ${message}\n`);
  }

  publisher(): Publisher {
    const keys = {
      store: openKeyStore(trustDirectory(this.#io, this.#options)),
      passphrases: passphrasesFrom(this.#io, this.#options),
    };
    return new Publisher({
      gun: this.gun,
      dialect: notaryV1,
      keys,
      server: new HttpTrustServer({ server: this.server, fetch: this.#fetch('pull,push') }),
      refresh: () => this.refresh('pull,push'),
      clock: () => this.#io.now(),
      onNewRootKey: () => warnOfNewRootKey(this.#io),
    });
  }

  /** A client of the image's registry, with the user's login for it. */
  registry(): RegistryClient {
    return new RegistryClient({ host: registryHost(this.#reference), credentials: () => this.credentials() });
  }

  /** Speaks with the trust server, logging in with the registry's credentials as Docker does. */
  #fetch(actions: 'pull' | 'pull,push'): HttpFetch {
    const known = this.#fetchers.get(actions);
    if (known !== undefined) return known;
    const send = authenticatedFetch({
      origin: new URL(this.server).origin,
      scopes: [repositoryScope(this.gun, actions.split(',') as ('pull' | 'push')[])],
      credentials: () => this.credentials(),
      credentialHost: registryHost(this.#reference),
      transport: tlsTransport(tlsFilesFor(this.#io, this.#options, this.server)),
    });
    const fetch: HttpFetch = async (url, init) => {
      try {
        return await send(new Request(url, init));
      } catch (error) {
        if (error instanceof RegistryError && error.code !== 'timeout')
          throw new DownloadError('unauthorized', url, error.message, { cause: error });
        throw error;
      }
    };
    this.#fetchers.set(actions, fetch);
    return fetch;
  }

  /** The user's login for the image's registry. */
  credentials(): Promise<Credentials | undefined> {
    return dockerCredentials(this.#reference.domain, { env: this.#io.env });
  }
}

function shortId(key: PublicKey): string {
  return canonicalKeyId(key).slice(0, 12);
}
