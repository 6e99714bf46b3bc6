// SPDX-License-Identifier: Apache-2.0
import {
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  type HttpFetch,
  HttpFetcher,
  loadPins,
  type TrustedRepository,
  trustPinning,
  Updater,
} from '../client/index.ts';
import { trustServerFetch, type VerifyTerms } from '../policy/index.ts';
import {
  type Credentials,
  dockerCredentials,
  gun as gunOf,
  type ImageReference,
  RegistryClient,
  registryHost,
} from '../registry/index.ts';
import type { Passphrases } from '../signing/index.ts';
import {
  canonicalKeyId,
  type Gun,
  notaryV1,
  type PublicKey,
  parseGun,
  ROOT,
  type RoleName,
  TARGETS,
} from '../tuf/index.ts';
import type { Io } from './io.ts';
import { oneLine } from './one-line.ts';
import { type GlobalOptions, parseDuration, trustDirectory, trustServer } from './settings.ts';
import { type TlsFiles, tlsFilesFor, tlsTransport } from './tls-files.ts';

/** How an owner renews what has expired. */
const RENEWALS = new Map<RoleName, (gun: Gun) => string>([
  [ROOT, (gun) => `renew it: hallmark key renew-certificate ${gun}`],
  [TARGETS, (gun) => `sign it anew: hallmark witness ${gun} targets, then hallmark publish ${gun}`],
]);

/** How another face of the program talks with its user, where that differs from hallmark's own way. */
export interface SessionManners {
  readonly passphrases?: Passphrases;
  readonly onNewRootKey?: () => void;
  /** A first use is not told. */
  readonly quietFirstUse?: boolean;
  /** Of the policy's rule for the image: whose server, authority and pins hold unless the user names others. */
  readonly terms?: VerifyTerms | undefined;
}

/** One repository as it can be looked at: its trust data and its registry, without a key. */
export class TrustView {
  readonly gun: Gun;
  readonly server: string;
  protected readonly io: Io;
  protected readonly options: GlobalOptions;
  protected readonly manners: SessionManners;
  readonly #reference: ImageReference;
  readonly #fetchers = new Map<string, HttpFetch>();

  constructor(io: Io, options: GlobalOptions, reference: ImageReference, manners: SessionManners = {}) {
    this.io = io;
    this.manners = manners;
    this.options = options;
    this.#reference = reference;
    this.gun = parseGun(gunOf(reference));
    this.server = trustServer(io, options, reference, manners.terms?.server);
  }

  /** The repository as it is trusted now; a first use is told. */
  refresh(actions: 'pull' | 'pull,push' = 'pull'): Promise<TrustedRepository> {
    return this.#update(actions, { renewing: false });
  }

  /**
   * The same for its owner, who may sign anew a root or targets that have expired: they are warned of.
   * @param frozen whether the timestamp may have expired too: for whoever gives it a key of a server that lacks the old one
   */
  refreshToRenew(frozen = false): Promise<TrustedRepository> {
    return this.#update('pull,push', { renewing: true, frozen });
  }

  async #update(
    actions: 'pull' | 'pull,push',
    leniency: { readonly renewing: boolean; readonly frozen?: boolean },
  ): Promise<TrustedRepository> {
    const { maxStaleness } = this.options;
    const directory = trustDirectory(this.io, this.options);
    const repository = await new Updater({
      gun: this.gun,
      dialect: notaryV1,
      fetcher: this.fetcher(actions),
      cache: new DirectoryMetadataCache(directory),
      marks: new DirectoryHighWaterMarks(directory),
      pinning: this.manners.terms?.pinning ?? trustPinning(directory, loadPins(directory)),
      now: this.io.now(),
      ...leniency,
      ...(maxStaleness === undefined
        ? {}
        : { maxStalenessMilliseconds: parseDuration(maxStaleness, '--max-staleness') }),
    }).refresh();
    this.#tell(repository);
    if (leniency.frozen === true) this.#tellExpired(repository);
    return repository;
  }

  /** The trust server's files as they come, believed by nobody yet. */
  fetcher(actions: 'pull' | 'pull,push' = 'pull'): HttpFetcher {
    return new HttpFetcher({ server: this.server, fetch: this.fetch(actions) });
  }

  #tell({ pinnedOnFirstUse, staleSince, refused }: TrustedRepository): void {
    const { stderr } = this.io;
    if (pinnedOnFirstUse !== undefined && this.manners.quietFirstUse !== true)
      stderr.write(`First use of ${this.gun}: pinned root key ${pinnedOnFirstUse.map(shortId).join(', ')}\n`);
    if (staleSince !== undefined)
      stderr.write(`Warning: trust server cannot be reached; using data checked at ${staleSince.toISOString()}\n`);
    for (const [role, { error }] of refused) {
      const renewal = RENEWALS.get(role);
      if (renewal === undefined) stderr.write(`Warning: ${role} is passed over: ${oneLine(error.message)}\n`);
      else stderr.write(`Warning: ${oneLine(error.message)}; ${renewal(this.gun)}\n`);
    }
  }

  #tellExpired({ targets }: TrustedRepository): void {
    const { expires, version } = targets.snapshot.timestamp.signed;
    if (expires >= this.io.now()) return;
    const when = expires.toISOString().slice(0, 10);
    this.io.stderr.write(`Warning: nobody has renewed the timestamp since ${when}; going on from version ${version}\n`);
  }

  /** A client of the image's registry, with the user's login for it. */
  registry(): RegistryClient {
    return new RegistryClient({ host: registryHost(this.#reference), credentials: () => this.credentials() });
  }

  /** Speaks with the trust server, logging in with the registry's credentials as Docker does. */
  protected fetch(actions: 'pull' | 'pull,push' | '*'): HttpFetch {
    const known = this.#fetchers.get(actions);
    if (known !== undefined) return known;
    const fetch = trustServerFetch({
      ...{ gun: this.gun, server: this.server, domain: this.#reference.domain },
      actions: actions.split(',') as ('pull' | 'push' | '*')[],
      credentials: () => this.credentials(),
      transport: tlsTransport(this.#tlsFiles()),
    });
    this.#fetchers.set(actions, fetch);
    return fetch;
  }

  /** The rule's authority vouches for the rule's server, and for no other. */
  #tlsFiles(): TlsFiles {
    const { terms } = this.manners;
    const isRules = terms?.ca !== undefined && terms.server === this.server && this.options.ca === undefined;
    return isRules ? { ca: [terms.ca] } : tlsFilesFor(this.io, this.options, this.server);
  }

  /** The user's login for the image's registry. */
  credentials(): Promise<Credentials | undefined> {
    return dockerCredentials(this.#reference.domain, { env: this.io.env });
  }
}

function shortId(key: PublicKey): string {
  return canonicalKeyId(key).slice(0, 12);
}
