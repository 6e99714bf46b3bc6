// SPDX-License-Identifier: Apache-2.0
import { encodeHex, equalBytes } from '../encoding/index.ts';
import {
  type Dialect,
  type Gun,
  type Mark,
  type Marks,
  type MetaFile,
  type PublicKey,
  ROOT,
  type RoleName,
  SNAPSHOT,
  sha256Hex,
  TARGETS,
  TIMESTAMP,
  TrustedRoot,
  type TrustedSnapshot,
  type TrustedTargets,
  type TrustedTimestamp,
  type UpdateContext,
  VerificationError,
  type Version,
} from '../tuf/index.ts';
import { DownloadError } from './errors.ts';
import type { Fetcher } from './fetcher.ts';
import type { HighWaterMarks } from './high-water-marks.ts';
import { MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES, maxBytes } from './limits.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { choosePin, type TrustPinning } from './pinning.ts';
import { newerRoots } from './root-chain.ts';

const MAX_DELEGATIONS = 1000;
/** Of all delegations together, which are asked for at once: each alone may be as large as any file (S23). */
const MAX_DELEGATED_BYTES = 1 << 28;

export interface UpdaterOptions {
  readonly gun: Gun;
  readonly dialect: Dialect;
  readonly fetcher: Fetcher;
  readonly cache: MetadataCache;
  readonly marks: HighWaterMarks;
  readonly pinning: TrustPinning;
  readonly now: Date;
  /** For how long since the last successful check cached data may stand in for a server that cannot be reached. */
  readonly maxStalenessMilliseconds?: number;
  /**
   * For a publisher alone, who signs anew what has expired: root, snapshot and targets that are authentic and the newest,
   * but past their time, are told in `refused` instead of ending the update. A first use is judged as ever.
   */
  readonly renewing?: boolean;
  /** For a copy that no server renews: timestamp and snapshot may have expired. Whoever asks for it holds versions against a floor. */
  readonly frozen?: boolean;
}

/** A delegation that is not trusted now: expired, without enough signatures, or hidden by the snapshot. */
export interface RefusedRole {
  readonly error: VerificationError;
  /** The very file that the snapshot names, if it names one, for whoever holds a key and wants to sign it anew. */
  readonly file?: Uint8Array;
}

/** A repository's metadata as it is trusted now. */
export interface TrustedRepository {
  readonly gun: Gun;
  readonly targets: TrustedTargets;
  /** Delegations that are expired or lack signatures: nothing of theirs is trusted. */
  readonly refused: ReadonlyMap<RoleName, RefusedRole>;
  /** The root keys that this update trusted on first use. */
  readonly pinnedOnFirstUse: readonly PublicKey[] | undefined;
  /** When the server was last reached, if it was not now. */
  readonly staleSince: Date | undefined;
}

/**
 * Brings a repository up to date: all input and output of an update, and no check. Each file goes through a stage of
 * `src/tuf/trusted.ts` before it is kept. The timestamp is asked for first; a root is fetched when there is none, or when
 * what is signed does not fit the one at hand, since a snapshot names its root.
 */
export class Updater {
  readonly #options: UpdaterOptions;
  readonly #context: UpdateContext;
  /** Files that a stage accepted, held back until the whole update stands: one that fails leaves the cache as it was. */
  readonly #accepted = new Map<RoleName, Uint8Array>();
  #pinnedOnFirstUse: readonly PublicKey[] | undefined;
  #staleSince: Date | undefined;

  constructor(options: UpdaterOptions) {
    const { gun, dialect, now, renewing = false, frozen = false } = options;
    this.#options = options;
    this.#context = { gun, dialect, now, marks: options.marks.load(gun), renewing, frozen };
  }

  /**
   * The repository as it is now.
   * @throws VerificationError what came is not trusted, and what was trusted before still is
   * @throws DownloadError what is needed could not be had
   * @throws TrustDirectoryError the trust directory cannot be read or written
   */
  async refresh(): Promise<TrustedRepository> {
    const root = this.#loadRoot() ?? (await this.#bootstrap());
    try {
      return await this.#loadFrom(root);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      const newer = await this.#newerRoot(root, error);
      if (newer === root) throw error;
      return this.#loadFrom(newer);
    }
  }

  /** What came is not trusted; that nobody could be asked for a newer root as well does not make it "unavailable". */
  async #newerRoot(root: TrustedRoot, refusal: VerificationError): Promise<TrustedRoot> {
    try {
      return await this.#updateRoot(root);
    } catch (error) {
      // unless it was a silent server's old data that is not trusted
      throw error instanceof DownloadError && this.#staleSince === undefined ? refusal : error;
    }
  }

  /** One that cannot be read any more is as good as lost where it is remembered which it was. */
  #loadRoot(): TrustedRoot | undefined {
    const cached = this.#cached(ROOT);
    if (cached === undefined) return undefined;
    try {
      return TrustedRoot.load(cached, this.#context);
    } catch (error) {
      if (!(error instanceof VerificationError) || !this.#context.marks.has(ROOT)) throw error;
      return undefined;
    }
  }

  #bootstrap(): Promise<TrustedRoot> {
    const mark = this.#context.marks.get(ROOT);
    return mark === undefined ? this.#firstUse() : this.#returnTo(mark);
  }

  /**
   * The cache is gone, but the root that it held is remembered by its hash: that very file, and the chain from there. To
   * lose a cache is no first use (property 2).
   */
  async #returnTo(mark: Mark): Promise<TrustedRoot> {
    const { gun, dialect } = this.#options;
    const file = await this.#fetch(dialect.fileName(ROOT, { version: mark.version }), MAX_ROOT_BYTES);
    const actual = file === undefined ? 'none' : sha256Hex(file);
    if (file === undefined && (await this.#fetch(dialect.fileName(ROOT), MAX_ROOT_BYTES)) === undefined)
      throw unsigned(gun);
    if (file === undefined || actual !== mark.sha256) {
      const message = `root version ${mark.version} of ${gun} is not the one that was trusted before`;
      throw new VerificationError('rollback', ROOT, message, { expected: mark.sha256, actual });
    }
    this.#accepted.set(ROOT, file);
    return TrustedRoot.load(file, this.#context);
  }

  async #firstUse(): Promise<TrustedRoot> {
    const { gun, dialect, pinning, now } = this.#options;
    const pin = choosePin(pinning, gun, now);
    const context = { ...this.#context, renewing: false };
    const file = await this.#fetch(dialect.fileName(ROOT), MAX_ROOT_BYTES);
    if (file === undefined) throw unsigned(gun);
    let root: TrustedRoot;
    try {
      root = TrustedRoot.bootstrap(file, context, pin);
    } catch (error) {
      // the pinned key may be that of an earlier root, whose chain leads to the current one
      if (!(error instanceof VerificationError) || pin.kind === 'first-use') throw error;
      const first = await this.#fetch(dialect.fileName(ROOT, { version: 1 as Version }), MAX_ROOT_BYTES);
      if (first === undefined) throw error;
      root = await this.#followChain(TrustedRoot.bootstrap(first, context, pin));
    }
    if (pin.kind === 'first-use') {
      const { keyIds } = root.authority('root').role;
      this.#pinnedOnFirstUse = keyIds.flatMap((id) => root.signed.keys.get(id) ?? []);
    }
    this.#accepted.set(ROOT, root.file);
    return root;
  }

  async #updateRoot(root: TrustedRoot): Promise<TrustedRoot> {
    const newest = await this.#followChain(root);
    if (newest === root) return root;
    // a successor of a root that is kept is kept at once, whatever comes after it (5.3.8), and remembered first
    if (this.#accepted.has(ROOT)) this.#accepted.set(ROOT, newest.file);
    else {
      this.#raise(newest.marks);
      this.#options.cache.store(this.#options.gun, ROOT, newest.file);
    }
    return newest;
  }

  async #followChain(root: TrustedRoot): Promise<TrustedRoot> {
    const { dialect } = this.#options;
    let newest = root;
    for await (const next of newerRoots(root, (version) =>
      this.#fetch(dialect.fileName(ROOT, { version }), MAX_ROOT_BYTES),
    ))
      newest = next;
    return newest;
  }

  async #loadFrom(root: TrustedRoot): Promise<TrustedRepository> {
    // a second attempt, under a newer root, owes nothing to the first
    this.#staleSince = undefined;
    for (const role of this.#accepted.keys()) if (role !== ROOT) this.#accepted.delete(role);
    const timestamp = await this.#loadTimestamp(root);
    const snapshot = await this.#loadSnapshot(timestamp);
    const top = await this.#loadTargets(snapshot);
    const { targets, refused } = await this.#loadDelegations(top);
    this.#keep(targets);
    const { gun } = this.#options;
    return { gun, targets, refused, pinnedOnFirstUse: this.#pinnedOnFirstUse, staleSince: this.#staleSince };
  }

  /** The marks first: with them alone raised, nothing older is ever trusted again. */
  #keep(targets: TrustedTargets): void {
    const { gun, marks, cache, now } = this.#options;
    this.#raise(targets.marks);
    for (const [role, file] of this.#accepted) cache.store(gun, role, file);
    this.#accepted.clear();
    marks.touch(gun, this.#staleSince ?? now);
  }

  /** Only what this update trusted: another process may have raised the other marks since. */
  #raise(trusted: Marks): void {
    const raised = [...trusted].filter(([role, mark]) => this.#context.marks.get(role) !== mark);
    this.#options.marks.raise(this.#options.gun, new Map(raised));
  }

  async #loadTimestamp(root: TrustedRoot): Promise<TrustedTimestamp> {
    const cached = this.#cached(TIMESTAMP);
    const file = await this.#fetchTimestamp(cached);
    const timestamp = root.updateTimestamp(file, cached);
    this.#accept(TIMESTAMP, file, cached);
    return timestamp;
  }

  /** Only silence of the server may be bridged; an answer, even "not found", is an answer (S36). */
  async #fetchTimestamp(cached: Uint8Array | undefined): Promise<Uint8Array> {
    const { dialect, gun, marks, now, maxStalenessMilliseconds = 0 } = this.#options;
    try {
      const file = await this.#fetch(dialect.fileName(TIMESTAMP), MAX_TIMESTAMP_BYTES);
      if (file === undefined)
        throw new VerificationError('unsigned', TIMESTAMP, `trust server has no timestamp for ${gun}`);
      return file;
    } catch (error) {
      const checked = marks.checkedAt(gun);
      if (!(error instanceof DownloadError) || !isSilence(error) || cached === undefined || checked === undefined)
        throw error;
      // a check that lies ahead says that the clock went back: nobody knows how old the data is
      const age = now.getTime() - checked.getTime();
      if (maxStalenessMilliseconds === 0 || age < 0 || age > maxStalenessMilliseconds) throw error;
      this.#staleSince = checked;
      return cached;
    }
  }

  async #loadSnapshot(timestamp: TrustedTimestamp): Promise<TrustedSnapshot> {
    const pin = timestamp.signed.snapshot;
    const cached = this.#cached(SNAPSHOT);
    const file = await this.#pinned(SNAPSHOT, pin, cached);
    const snapshot = timestamp.updateSnapshot(file, cached);
    this.#accept(SNAPSHOT, file, cached);
    return snapshot;
  }

  async #loadTargets(snapshot: TrustedSnapshot): Promise<TrustedTargets> {
    const cached = this.#cached(TARGETS);
    const file = await this.#pinned(TARGETS, snapshot.pinOf(TARGETS), cached);
    const targets = snapshot.updateTargets(file, cached);
    this.#accept(TARGETS, file, cached);
    return targets;
  }

  /**
   * 5.6.7, level by level. A role that the snapshot does not list was never signed. One that has expired or lost its
   * signatures is passed over with all below it, as Notary does, and recorded; any other fault ends the update.
   */
  async #loadDelegations(
    top: TrustedTargets,
  ): Promise<{ targets: TrustedTargets; refused: ReadonlyMap<RoleName, RefusedRole> }> {
    let targets = top;
    const refused = new Map<RoleName, RefusedRole>();
    const { meta } = top.snapshot.signed;
    let left = MAX_DELEGATED_BYTES;
    for (let level: readonly RoleName[] = [TARGETS]; level.length > 0; ) {
      const children = level.flatMap((parent) => {
        const roles = targets.roles.get(parent)?.signed.delegations.roles ?? [];
        return roles.flatMap(({ name }) =>
          meta.has(name) ? [{ parent, role: name, pin: meta.get(name) as MetaFile, cached: this.#cached(name) }] : [],
        );
      });
      if (targets.roles.size + children.length > MAX_DELEGATIONS)
        throw new VerificationError('malformed', TARGETS, `more than ${MAX_DELEGATIONS} delegations`);
      left -= children.reduce((bytes, { pin }) => bytes + maxBytes(pin.length), 0);
      if (left < 0)
        throw new VerificationError('malformed', TARGETS, `delegations of more than ${MAX_DELEGATED_BYTES} bytes`);
      const files = await Promise.all(children.map(({ role, pin, cached }) => this.#pinned(role, pin, cached)));
      const loaded: RoleName[] = [];
      for (const [index, { parent, role, cached }] of children.entries()) {
        const file = files[index] as Uint8Array;
        try {
          targets = targets.delegate(parent, role, file, cached);
        } catch (error) {
          if (!(error instanceof VerificationError) || (error.code !== 'expired' && error.code !== 'threshold'))
            throw error;
          refused.set(role, { error, file });
          continue;
        }
        this.#accept(role, file, cached);
        loaded.push(role);
      }
      level = loaded;
    }
    for (const [role, error] of targets.unlisted) refused.set(role, { error });
    for (const [role, error] of targets.expired) refused.set(role, { error });
    return { targets, refused };
  }

  /** The file that a pin names: from the cache if it is that very file, else from the server. */
  async #pinned(role: RoleName, pin: MetaFile, cached: Uint8Array | undefined): Promise<Uint8Array> {
    const sha256 = pin.hashes?.get('sha256');
    if (cached !== undefined && sha256 !== undefined && sha256Hex(cached) === encodeHex(sha256)) return cached;
    const { dialect, gun } = this.#options;
    const file = await this.#fetch(dialect.fileName(role, pin), maxBytes(pin.length));
    if (file === undefined) {
      throw new DownloadError('not-found', gun, `trust server lacks the ${role} metadata of ${gun} that it announces`, {
        status: 404,
      });
    }
    return file;
  }

  #fetch(fileName: string, maxLength: number): Promise<Uint8Array | undefined> {
    return this.#options.fetcher.fetch(this.#options.gun, fileName, maxLength);
  }

  #cached(role: RoleName): Uint8Array | undefined {
    return this.#options.cache.load(this.#options.gun, role);
  }

  #accept(role: RoleName, file: Uint8Array, cached: Uint8Array | undefined): void {
    if (cached === undefined || !equalBytes(cached, file)) this.#accepted.set(role, file);
    else this.#accepted.delete(role);
  }
}

function unsigned(gun: Gun): VerificationError {
  return new VerificationError('unsigned', ROOT, `trust server has no root for ${gun}`);
}

function isSilence({ code }: DownloadError): boolean {
  return code === 'unreachable' || code === 'timeout' || code === 'unavailable';
}
