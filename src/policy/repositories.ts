// SPDX-License-Identifier: Apache-2.0
import {
  DirectoryHighWaterMarks,
  DirectoryMetadataCache,
  type HttpFetch,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  type TrustedRepository,
  Updater,
  type UpdaterOptions,
} from '../client/index.ts';
import { type Credentials, fetchTransport, type Transport } from '../registry/index.ts';
import { BoundedMap, type Gun, notaryV1, ROOT } from '../tuf/index.ts';
import { type Budget, BudgetFetcher } from './budget.ts';
import { unavailable } from './decision.ts';
import { defaultTrustServer, type VerifyTerms } from './policy.ts';
import type { AnchoredRoot } from './record.ts';
import { tagsByDigest } from './signers.ts';
import { trustServerFetch } from './trust-server-fetch.ts';

export interface RepositoryOptions {
  /** Trust directory: metadata cache and marks, as a client keeps them. */
  readonly directory: string;
  readonly clock: () => Date;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  readonly budget: Budget;
  readonly recheckMilliseconds: number;
  /** Login for a registry as it is named in images; trust servers are shown it as Docker does. */
  readonly credentials: (domain: string) => Promise<Credentials | undefined>;
  /** How a trust server is spoken to; by its authority alone unless given. */
  readonly transport?: ((server: string, ca: string | undefined) => Transport) | undefined;
}

/** A repository as it was trusted at one check. */
export interface CheckedRepository {
  readonly repository: TrustedRepository;
  readonly server: string;
  /** When this check was made, by the clock that never goes back. */
  readonly checkedAt: number;
  /** When the first of its files expires that counts for the rule. */
  readonly expires: Date;
  /** Tags of each digest that any role signs. */
  readonly tagsByDigest: ReadonlyMap<string, readonly string[]>;
}

/** Bytes of metadata behind what is held in memory; it takes a few times that. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;
const MAX_AT_ONCE = 32;
const MAX_WAITING = 256;

/**
 * Repositories brought up to date for decisions: one update of each at a time, whoever asks meanwhile waits for that one; what
 * was checked serves for a little while; and there is a bound to how many are held, run and wait (S32).
 */
export class CheckedRepositories {
  readonly #options: RepositoryOptions;
  readonly #held = new BoundedMap<string, CheckedRepository>(MAX_HELD_BYTES);
  readonly #fetchers = new BoundedMap<string, HttpFetch>(1000);
  readonly #running = new Map<string, Promise<CheckedRepository>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(options: RepositoryOptions) {
    this.#options = options;
  }

  /** A check that is recent enough and has not expired, if there is one. */
  held(gun: Gun, terms: VerifyTerms): CheckedRepository | undefined {
    const { elapsed, clock, recheckMilliseconds } = this.#options;
    const found = this.#held.get(keyOf(gun, terms));
    if (found === undefined || elapsed() - found.checkedAt >= recheckMilliseconds) return undefined;
    return found.expires.getTime() < clock().getTime() ? undefined : found;
  }

  /** A file of the trust server as it came, nothing of it believed; undefined if there is none. @throws DownloadError */
  rawFile(gun: Gun, terms: VerifyTerms, fileName: string): Promise<Uint8Array | undefined> {
    const { budget, elapsed } = this.#options;
    const server = terms.server ?? defaultTrustServer(gun);
    return new BudgetFetcher(server, this.#fetcher(gun, server, terms), budget, elapsed).fetch(
      gun,
      fileName,
      budget.bytes,
    );
  }

  /**
   * A check that began after this call, or is running now.
   * @throws VerificationError, DownloadError, TrustDirectoryError, Refused `busy`
   */
  check(gun: Gun, terms: VerifyTerms): Promise<CheckedRepository> {
    const key = keyOf(gun, terms);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = this.#queued(() => this.#update(gun, terms));
    this.#running.set(key, started);
    const end = () => this.#running.delete(key);
    started.then(end, end);
    return started;
  }

  async #queued<T>(work: () => Promise<T>): Promise<T> {
    if (this.#active >= MAX_AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING)
        throw unavailable('busy', 'trust data', 'too many verifications at once');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#active++;
    try {
      return await work();
    } finally {
      this.#active--;
      this.#waiting.shift()?.();
    }
  }

  /**
   * The root to which the pins lead, as somebody finds it who never saw the repository before.
   * @throws VerificationError `unmet-pin`, and as {@link check}
   */
  rootByPins(gun: Gun, terms: VerifyTerms): Promise<Uint8Array> {
    return this.#rootFrom(gun, terms, new MemoryHighWaterMarks());
  }

  /**
   * The root to which the chain leads from one that was trusted before, and that is known by its file.
   * @throws VerificationError `rollback` where the server has another in its place, and as {@link check}
   */
  rootAfter(gun: Gun, terms: VerifyTerms, root: AnchoredRoot): Promise<Uint8Array> {
    const marks = new MemoryHighWaterMarks();
    marks.raise(gun, new Map([[ROOT, { ...root, keyIds: [] }]]));
    return this.#rootFrom(gun, terms, marks);
  }

  async #rootFrom(gun: Gun, terms: VerifyTerms, marks: MemoryHighWaterMarks): Promise<Uint8Array> {
    const memory = { cache: new MemoryMetadataCache(), marks };
    const { targets } = await this.#updater(gun, terms, memory).refresh();
    return targets.snapshot.timestamp.root.file;
  }

  #updater(gun: Gun, terms: VerifyTerms, memory: Pick<UpdaterOptions, 'cache' | 'marks'>): Updater {
    const { clock, elapsed, budget } = this.#options;
    const server = terms.server ?? defaultTrustServer(gun);
    const { freshness } = terms;
    return new Updater({
      ...memory,
      gun,
      dialect: notaryV1,
      fetcher: new BudgetFetcher(server, this.#fetcher(gun, server, terms), budget, elapsed),
      pinning: terms.pinning,
      now: clock(),
      frozen: freshness.kind === 'frozen',
      maxStalenessMilliseconds: freshness.kind === 'max-age' ? freshness.milliseconds : 0,
    });
  }

  async #update(gun: Gun, terms: VerifyTerms): Promise<CheckedRepository> {
    const { directory, elapsed } = this.#options;
    const server = terms.server ?? defaultTrustServer(gun);
    const checkedAt = elapsed();
    const memory = { cache: new DirectoryMetadataCache(directory), marks: new DirectoryHighWaterMarks(directory) };
    const repository = await this.#updater(gun, terms, memory).refresh();
    const expires = expiryOf(repository, terms.freshness.kind === 'frozen');
    const checked = { repository, server, checkedAt, expires, tagsByDigest: tagsByDigest(repository) };
    this.#held.set(keyOf(gun, terms), checked, bytesOf(repository));
    return checked;
  }

  /** Logs in with the registry's credentials, as Docker does, and keeps the token between updates. */
  #fetcher(gun: Gun, server: string, { ca }: VerifyTerms): HttpFetch {
    const key = `${gun}\n${server}\n${ca ?? ''}`;
    const known = this.#fetchers.get(key);
    if (known !== undefined) return known;
    const domain = gun.slice(0, gun.indexOf('/'));
    const fetch = trustServerFetch({
      ...{ gun, server, domain, actions: ['pull'] },
      credentials: () => this.#options.credentials(domain),
      transport: this.#options.transport?.(server, ca) ?? fetchTransport(ca === undefined ? {} : { ca }),
    });
    this.#fetchers.set(key, fetch);
    return fetch;
  }
}

const termsIds = new WeakMap<VerifyTerms, number>();
let lastTermsId = 0;

/** One repository may be judged under several rules, which trust it by other keys. */
function keyOf(gun: Gun, terms: VerifyTerms): string {
  const id = termsIds.get(terms) ?? ++lastTermsId;
  termsIds.set(terms, id);
  return `${id} ${gun}`;
}

function filesOf({ targets }: TrustedRepository, isFrozen: boolean) {
  const { snapshot } = targets;
  const { timestamp } = snapshot;
  return [timestamp.root, ...(isFrozen ? [] : [timestamp, snapshot]), ...targets.roles.values()];
}

function expiryOf(repository: TrustedRepository, isFrozen: boolean): Date {
  return new Date(Math.min(...filesOf(repository, isFrozen).map(({ signed }) => signed.expires.getTime())));
}

function bytesOf(repository: TrustedRepository): number {
  return filesOf(repository, false).reduce((sum, { file }) => sum + file.length, 0);
}
