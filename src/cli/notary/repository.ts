// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  type HighWaterMarks,
  type HttpFetch,
  HttpFetcher,
  type TrustedRepository,
  Updater,
} from '../../client/index.ts';
import { equalBytes } from '../../encoding/index.ts';
import {
  applyChanges,
  type Changelist,
  DirectoryChangelist,
  type Draft,
  HttpTrustServer,
  type InitializeOptions,
  initializeLocally,
  loadUnpublished,
  Publisher,
  type SigningKeys,
} from '../../publisher/index.ts';
import { type Gun, notaryV1, parseGun, ROOT, TIMESTAMP, VerificationError } from '../../tuf/index.ts';
import { userKeys } from '../user-keys.ts';
import type { Call } from './command.ts';
import { fatalText } from './fatal.ts';
import { notaryPassphrases } from './terminal.ts';
import { notaryFetch, type Permission } from './transport.ts';

/** Bytes that a root may have of which nothing is known yet. */
const MAX_ROOT_BYTES = 1 << 20;
const NEAR_EXPIRY = 182 * 24 * 60 * 60 * 1000;

/** One collection as the notary command works on it: in Notary's own directory, with Notary's keys. */
export class NotaryRepository {
  readonly #fetchers = new Map<Permission, HttpFetch>();
  readonly gun: Gun;
  readonly changelist: Changelist;
  readonly keys: SigningKeys;
  readonly #call: Call;
  readonly #cache: DirectoryMetadataCache;
  readonly #marks: HighWaterMarks;

  constructor(call: Call, gun: string) {
    const { trustDir } = call.settings;
    this.#call = call;
    this.gun = parseGun(gun);
    this.changelist = new DirectoryChangelist(trustDir, this.gun);
    this.keys = { store: userKeys(call.io, { trustDir }), passphrases: notaryPassphrases(call.io) };
    this.#cache = new DirectoryMetadataCache(trustDir);
    this.#marks = withCacheDates(new DirectoryHighWaterMarks(trustDir), trustDir);
  }

  /** The collection for a reader. While the server is silent, whatever of the cache has not expired is used, and said. */
  async read(): Promise<TrustedRepository> {
    const repository = await this.#refresh('read', Number.POSITIVE_INFINITY);
    this.#tell(repository);
    return repository;
  }

  /** Makes the collection here, to be published later. @throws KeyStoreError, PublishError, DownloadError */
  async initialize(options: Pick<InitializeOptions, 'rootKeyIds' | 'rootCertificates'> = {}): Promise<void> {
    await initializeLocally({
      ...options,
      ...this.#local(),
      keys: this.keys,
      server: this.server('write'),
      clientSnapshot: true,
    });
    // whoever makes a collection anew starts its history anew
    this.#marks.forget(this.gun);
  }

  /** Publishes what is staged, or, with nothing staged, a new snapshot; what was published is staged no more. */
  async publishStaged(): Promise<void> {
    const changes = this.changelist.list();
    const publisher = this.publisher('write', () => this.changelist.remove(changes.map(({ file }) => file)));
    await publisher.publish((draft, now) => applyChanges(draft, changes, { dialect: notaryV1, keys: this.keys, now }), {
      always: true,
    });
  }

  publisher(permission: Permission, onPublished: () => void = () => {}): Publisher {
    const { io } = this.#call;
    return new Publisher({
      gun: this.gun,
      dialect: notaryV1,
      keys: this.keys,
      server: this.server(permission),
      refresh: () => this.#refresh(permission, 0, true),
      clock: () => io.now(),
      initialize: () => this.#unpublished(),
      onPublished: ({ initialized }) => {
        onPublished();
        if (initialized) this.#marks.forget(this.gun);
      },
    });
  }

  server(permission: Permission): HttpTrustServer {
    return new HttpTrustServer({ server: this.#call.settings.server, fetch: this.#fetch(permission) });
  }

  /** Forgets trust data and staged changes; keys stay. */
  remove({ withHistory }: { withHistory: boolean }): void {
    this.#cache.remove(this.gun);
    this.changelist.remove(this.changelist.files());
    if (withHistory) this.#marks.forget(this.gun);
  }

  async #unpublished(): Promise<Draft> {
    const found = loadUnpublished(this.#local());
    if (found !== undefined) return found;
    await this.initialize();
    const made = loadUnpublished(this.#local());
    if (made === undefined) throw new Error(`${this.gun} was made and is gone`);
    return made;
  }

  #local() {
    return { gun: this.gun, dialect: notaryV1, cache: this.#cache, now: this.#call.io.now() };
  }

  #fetch(permission: Permission) {
    const { io, settings, log } = this.#call;
    // one for each permission: it keeps the login, so that nobody is asked twice for it
    const fetch = this.#fetchers.get(permission) ?? notaryFetch(io, settings, this.gun, permission, log);
    this.#fetchers.set(permission, fetch);
    return fetch;
  }

  async #refresh(
    permission: Permission,
    maxStalenessMilliseconds: number,
    renewing = false,
  ): Promise<TrustedRepository> {
    const { io, settings } = this.#call;
    const fetcher = new HttpFetcher({ server: settings.server, fetch: this.#fetch(permission) });
    const { pinning } = settings;
    const options = { ...this.#local(), fetcher, marks: this.#marks, pinning, maxStalenessMilliseconds, renewing };
    try {
      return await new Updater({ ...options, now: io.now() }).refresh();
    } catch (error) {
      throw await this.#explained(error, fetcher);
    }
  }

  /**
   * A root in the cache may be one that was only made here. If the server has none, the collection is unknown there; if
   * it has another one, they are two collections of one name.
   */
  async #explained(error: unknown, fetcher: HttpFetcher): Promise<unknown> {
    const cached = this.#cache.load(this.gun, ROOT);
    const isPublished = this.#cache.load(this.gun, TIMESTAMP) !== undefined;
    if (!(error instanceof VerificationError) || cached === undefined) return error;
    if (isPublished && !(error.code === 'unsigned' && error.role === TIMESTAMP)) return error;
    const served = await fetcher.fetch(this.gun, notaryV1.fileName(ROOT), MAX_ROOT_BYTES);
    if (served === undefined)
      return new VerificationError('unsigned', ROOT, `no trust data for ${this.gun}`, { cause: error });
    if (isPublished || equalBytes(served, cached)) return error;
    return new VerificationError('root-chain', ROOT, `${this.gun} is another collection on the server`, {
      cause: error,
    });
  }

  #tell({ staleSince, refused, pinnedOnFirstUse, targets }: TrustedRepository): void {
    const { log, io, settings } = this.#call;
    if (staleSince !== undefined) {
      log.error(`could not reach ${settings.server}`);
      log.warn(
        'Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely',
      );
    }
    if (pinnedOnFirstUse !== undefined) log.info(`first use of ${this.gun}: its root key is trusted from now on`);
    for (const [role, { error }] of refused) {
      const reason = fatalText(error, { server: settings.server, gun: this.gun, log });
      log.warn(`Error getting ${role}: ${reason}`);
    }
    const { snapshot, roles } = targets;
    for (const { role, signed } of [snapshot.timestamp.root, ...roles.values(), snapshot])
      if (signed.expires.getTime() < io.now().getTime() + NEAR_EXPIRY)
        log.warn(`${role} is nearing expiry, you should re-sign the role metadata`);
  }
}

/** A cache that only the original has filled tells by its file when the server was last asked. */
function withCacheDates(marks: HighWaterMarks, trustDir: string): HighWaterMarks {
  const timestampOf = (gun: Gun) => join(trustDir, 'tuf', ...gun.split('/'), 'metadata', `${TIMESTAMP}.json`);
  return {
    load: (gun) => marks.load(gun),
    raise: (gun, raised) => marks.raise(gun, raised),
    touch: (gun, now) => marks.touch(gun, now),
    forget: (gun) => marks.forget(gun),
    checkedAt: (gun) => marks.checkedAt(gun) ?? statSync(timestampOf(gun), { throwIfNoEntry: false })?.mtime,
  };
}
