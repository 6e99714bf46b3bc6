// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../encoding/index.ts';
import {
  type Dialect,
  type FoundTarget,
  type Gun,
  type MetaFile,
  type NextVisit,
  ROOT,
  type RoleName,
  SNAPSHOT,
  searchTarget,
  TARGETS,
  type Targets,
  TIMESTAMP,
  type TrustedFile,
  TrustedRoot,
  type TrustedSnapshot,
  type TrustedTargets,
  type TrustedTimestamp,
  type UpdateContext,
  VerificationError,
  type Version,
} from '../tuf/index.ts';
import { DownloadError, TrustDirectoryError } from './errors.ts';
import type { Fetcher } from './fetcher.ts';
import { MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES, maxBytes } from './limits.ts';
import { newerRoots } from './root-chain.ts';
import type { TrustedFiles } from './trusted-files.ts';

export interface TufClientOptions {
  readonly dialect: Dialect;
  /** What the repository is called in messages; where root keys name a collection, its name. */
  readonly gun: Gun;
  readonly fetcher: Fetcher;
  readonly files: TrustedFiles;
  /** The moment at which expiry is judged, for everything that this client does. */
  readonly now: Date;
}

/**
 * A client that follows the specification's workflow step by step: roots first, each file kept as soon as it is trusted,
 * delegations when a target asks for them and not before. All input and output of it, and no check: those are the stages
 * of `src/tuf`. {@link Updater} is for repositories whose snapshot names its root.
 *
 * What was trusted before is the repository's own files: the timestamp and snapshot of before are what a new one may not
 * fall behind. Each client, with whatever it looks up, is one update.
 */
export class TufClient {
  readonly #options: TufClientOptions;
  readonly #context: UpdateContext;
  /** What a role's file is for one delegator; for another, with other keys, it is judged anew (S20). */
  readonly #delegated = new WeakMap<TrustedFile<Targets>, Map<RoleName, TrustedFile<Targets>>>();
  #targets: TrustedTargets | undefined;

  constructor(options: TufClientOptions) {
    const { dialect, gun, now } = options;
    this.#options = options;
    this.#context = { dialect, gun, now, marks: new Map() };
  }

  /**
   * Trusts `file` as the repository's root, which its user had by a way of their own. It may have expired: its successors
   * are looked for.
   * @throws VerificationError `file` is no root, or not signed by itself
   * @throws TrustDirectoryError another root is trusted here already
   */
  initialize(file: Uint8Array): void {
    TrustedRoot.load(file, this.#context);
    const { files } = this.#options;
    files.exclusively(() => {
      const known = files.load(ROOT);
      if (known !== undefined && !equalBytes(known, file))
        throw new TrustDirectoryError(
          'unwritable',
          ROOT,
          'another root is trusted here already: take an empty directory',
        );
      files.store(ROOT, file);
    });
  }

  /**
   * 5.2 to 5.6, the top-level roles. What was trusted before a fault stays trusted, and so does what was found to be
   * trusted until then.
   * @throws VerificationError, DownloadError, TrustDirectoryError
   */
  async refresh(): Promise<TrustedTargets> {
    const root = await this.#loadRoot();
    // 5.3.10: before anything else is asked for
    root.assertCurrent();
    const timestamp = await this.#loadTimestamp(root);
    const snapshot = await this.#loadSnapshot(timestamp);
    this.#targets = await this.#loadTargets(snapshot);
    return this.#targets;
  }

  /** 5.6.7: the target and the role that signs it; undefined if nobody does who may. As {@link refresh} fails. */
  async find(path: string): Promise<FoundTarget | undefined> {
    const targets = this.#targets ?? (await this.refresh());
    const search = searchTarget(targets.roles.get(TARGETS) as TrustedFile<Targets>, path);
    let step = search.next();
    while (step.done !== true) step = search.next(await this.#loadDelegated(targets, step.value));
    return step.value;
  }

  async #loadRoot(): Promise<TrustedRoot> {
    const { files, dialect } = this.#options;
    const cached = files.load(ROOT);
    if (cached === undefined)
      throw new TrustDirectoryError('unreadable', ROOT, 'no root is trusted here yet: initialize with one');
    let newest = TrustedRoot.load(cached, this.#context);
    const fetchRoot = (version: Version) => this.#fetch(dialect.fileName(ROOT, { version }), MAX_ROOT_BYTES);
    for await (const next of newerRoots(newest, fetchRoot)) {
      // 5.3.8: kept at once, unless another process got further meanwhile
      this.#keep(ROOT, next.file, newest.file, (other) => this.#versionOf(other) < next.signed.version);
      newest = next;
    }
    return newest;
  }

  async #loadTimestamp(root: TrustedRoot): Promise<TrustedTimestamp> {
    const cached = this.#options.files.load(TIMESTAMP);
    const name = this.#options.dialect.fileName(TIMESTAMP);
    const fetched = await this.#fetchExisting(TIMESTAMP, name, MAX_TIMESTAMP_BYTES);
    // 5.4.3.1: the same version is no news
    const file = cached !== undefined && root.repeatsTimestamp(fetched, cached) ? cached : fetched;
    const timestamp = root.updateTimestamp(file, cached);
    this.#keep(TIMESTAMP, file, cached, (other) => root.updateTimestamp(file, other) !== undefined);
    return timestamp;
  }

  #loadSnapshot(timestamp: TrustedTimestamp): Promise<TrustedSnapshot> {
    return this.#load(timestamp.root, SNAPSHOT, timestamp.signed.snapshot, (file, cached) =>
      timestamp.updateSnapshot(file, cached),
    );
  }

  /** What targets may not fall behind is said by the snapshot of before (5.5.5), whose keys can be taken away (5.3.11). */
  #loadTargets(snapshot: TrustedSnapshot): Promise<TrustedTargets> {
    const { root } = snapshot.timestamp;
    return this.#load(root, TARGETS, snapshot.pinOf(TARGETS), (file) => snapshot.updateTargets(file));
  }

  async #loadDelegated(
    targets: TrustedTargets,
    { delegator, role }: NextVisit<TrustedFile<Targets>>,
  ): Promise<TrustedFile<Targets>> {
    const known = this.#delegated.get(delegator) ?? new Map<RoleName, TrustedFile<Targets>>();
    this.#delegated.set(delegator, known);
    const { root } = targets.snapshot.timestamp;
    const loaded =
      known.get(role) ??
      (await this.#load(root, role, targets.snapshot.pinOf(role), (file) => targets.delegated(delegator, role, file)));
    known.set(role, loaded);
    return loaded;
  }

  /** The file that a pin names: the one that is here if a stage takes it, else the server's. */
  async #load<T>(
    root: TrustedRoot,
    role: RoleName,
    pin: MetaFile,
    accept: (file: Uint8Array, cached?: Uint8Array) => T,
  ): Promise<T> {
    const cached = this.#options.files.load(role);
    const current = cached && acceptable(() => accept(cached));
    if (current !== undefined) return current;
    const name = this.#options.dialect.fileName(role, root.signed.consistentSnapshot ? pin : undefined);
    const file = await this.#fetchExisting(role, name, maxBytes(pin.length));
    const accepted = accept(file, cached);
    this.#keep(role, file, cached, (other) => accept(file, other) !== undefined);
    return accepted;
  }

  /** Stores what a stage took. What another process stored since `cached` was read must be older than it. */
  #keep(
    role: RoleName,
    file: Uint8Array,
    cached: Uint8Array | undefined,
    mayReplace: (other: Uint8Array) => boolean,
  ): void {
    if (cached !== undefined && equalBytes(cached, file)) return;
    const { files } = this.#options;
    files.exclusively(() => {
      const other = files.load(role);
      const isOurs = other === undefined || (cached !== undefined && equalBytes(other, cached));
      if (isOurs || mayReplace(other)) files.store(role, file);
    });
  }

  #versionOf(root: Uint8Array): number {
    return acceptable(() => TrustedRoot.load(root, this.#context).signed.version) ?? 0;
  }

  async #fetchExisting(role: RoleName, name: string, maxLength: number): Promise<Uint8Array> {
    const file = await this.#fetch(name, maxLength);
    if (file !== undefined) return file;
    throw new DownloadError('not-found', name, `${this.#options.gun} has no ${name} for ${role}`, { status: 404 });
  }

  #fetch(name: string, maxLength: number): Promise<Uint8Array | undefined> {
    return this.#options.fetcher.fetch(this.#options.gun, name, maxLength);
  }
}

/** What a stage makes of a file, or undefined where it refuses it. */
function acceptable<T>(stage: () => T): T | undefined {
  try {
    return stage();
  } catch (error) {
    if (error instanceof VerificationError) return undefined;
    throw error;
  }
}
