// SPDX-License-Identifier: Apache-2.0
import {
  type Fetcher,
  type HighWaterMarks,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  type MetadataCache,
  type TrustedRepository,
  type TrustPinning,
  Updater,
} from '../../src/client/index.ts';
import { type Gun, notaryV1, type RoleName } from '../../src/tuf/index.ts';
import { GUN, NOW } from './repository-simulator.ts';

export interface ClientOptions {
  readonly gun?: Gun;
  readonly cache?: MetadataCache;
  readonly marks?: HighWaterMarks;
  readonly pinning?: TrustPinning;
  readonly now?: Date;
  readonly maxStalenessMilliseconds?: number;
}

/** A user's machine: a cache and marks that outlive each refresh. */
export class TestClient {
  readonly gun: Gun;
  cache: MetadataCache;
  marks: HighWaterMarks;
  now: Date;
  readonly #fetcher: Fetcher;
  readonly #options: ClientOptions;

  constructor(fetcher: Fetcher, options: ClientOptions = {}) {
    this.#fetcher = fetcher;
    this.#options = options;
    this.gun = options.gun ?? GUN;
    this.now = options.now ?? NOW;
    this.cache = options.cache ?? new MemoryMetadataCache();
    this.marks = options.marks ?? new MemoryHighWaterMarks();
  }

  updater(options: ClientOptions = {}): Updater {
    const { pinning = { trustOnFirstUse: true }, maxStalenessMilliseconds = 0 } = { ...this.#options, ...options };
    const { gun, cache, marks, now } = this;
    const about = { gun, dialect: notaryV1, fetcher: this.#fetcher, cache, marks, pinning, now };
    return new Updater({ ...about, maxStalenessMilliseconds });
  }

  /** The same machine, led to another server. */
  against(fetcher: Fetcher): TestClient {
    const { gun, cache, marks, now } = this;
    return new TestClient(fetcher, { ...this.#options, gun, cache, marks, now });
  }

  /** One refresh, as a new process would make it. */
  refresh(options: ClientOptions = {}): Promise<TrustedRepository> {
    return this.updater(options).refresh();
  }

  /** The trusted files of the given roles, byte for byte. */
  trusted(...roles: readonly string[]): readonly (string | undefined)[] {
    return roles.map((role) => {
      const file = this.cache.load(this.gun, role as RoleName);
      return file && Buffer.from(file).toString('latin1');
    });
  }
}

/** The versions that a repository was trusted at, by role. */
export function versionsOf({ targets }: TrustedRepository): Readonly<Record<string, number>> {
  const { snapshot } = targets;
  const files = [snapshot.timestamp.root, snapshot.timestamp, snapshot, ...targets.roles.values()];
  return Object.fromEntries(files.map(({ role, signed }) => [role, signed.version as number]));
}
