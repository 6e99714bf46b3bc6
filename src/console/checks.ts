// SPDX-License-Identifier: Apache-2.0
import {
  DownloadError,
  MemoryHighWaterMarks,
  MemoryMetadataCache,
  type TrustedRepository,
  Updater,
} from '../client/index.ts';
import { type KeyHierarchy, keyHierarchy, type TrustReport, trustReport } from '../report/index.ts';
import { type Gun, notaryV1, TIMESTAMP, VerificationError } from '../tuf/index.ts';
import type { ConsoleSource } from './source.ts';
import { StorageFetcher } from './storage-fetcher.ts';

/** What a client that asks now would find. Only `verified` went through every stage of its update. */
export type Checked =
  | {
      readonly outcome: 'verified';
      readonly repository: TrustedRepository;
      readonly report: TrustReport;
      readonly hierarchy: KeyHierarchy;
    }
  /** The evidence is bad. */
  | { readonly outcome: 'refused'; readonly code: string; readonly role: string; readonly reason: string }
  /** It could not be had, or not within the bounds of a list. */
  | { readonly outcome: 'unchecked'; readonly reason: string }
  | { readonly outcome: 'absent' };

interface Known {
  readonly timestamp: string;
  /** When the first of its files expires, in milliseconds since 1970: then it has to be judged anew. */
  readonly until: number;
  readonly checked: Checked;
}

const MAX_KNOWN = 1000;
const MAX_MARKED = 20_000;
/** In a list, a repository with larger files is not checked: it would hold up all the others (S23). */
const LISTED_BYTES = 2 * 1024 * 1024;

/**
 * Verifies repositories as a client does, with marks of what was trusted before: what goes back is refused, also where it
 * is this server's own database that was put back. What was found good is kept until its timestamp changes or something
 * expires.
 */
export class Checks {
  readonly #source: ConsoleSource;
  readonly #clock: () => Date;
  readonly #known = new Map<Gun, Known>();
  readonly #marks = new MemoryHighWaterMarks();
  readonly #marked = new Set<Gun>();

  constructor(source: ConsoleSource, clock: () => Date) {
    this.#source = source;
    this.#clock = clock;
  }

  /** @param where a list bounds what it looks at */
  async check(gun: Gun, where: 'page' | 'list' = 'page'): Promise<Checked> {
    const now = this.#clock();
    const timestamp = await this.#source.current(gun, TIMESTAMP);
    if (timestamp === undefined) return { outcome: 'absent' };
    const known = this.#known.get(gun);
    if (known?.timestamp === timestamp.sha256 && now.getTime() < known.until) return known.checked;
    const checked = await this.#verify(gun, now, where === 'list' ? LISTED_BYTES : undefined);
    this.#known.delete(gun);
    if (checked.outcome === 'verified') {
      this.#known.set(gun, { timestamp: timestamp.sha256, until: firstExpiry(checked.report), checked });
      dropOldest(this.#known, MAX_KNOWN);
    }
    return checked;
  }

  async #verify(gun: Gun, now: Date, maxBytes: number | undefined): Promise<Checked> {
    try {
      const repository = await new Updater({
        ...{ gun, now, dialect: notaryV1, fetcher: new StorageFetcher(this.#source, maxBytes) },
        ...{ cache: new MemoryMetadataCache(), marks: this.#marks, pinning: { trustOnFirstUse: true } },
      }).refresh();
      this.#remember(gun);
      const { targets, refused } = repository;
      const hierarchy = keyHierarchy(gun, targets, refused);
      return { outcome: 'verified', repository, report: trustReport(gun, targets), hierarchy };
    } catch (error) {
      if (error instanceof VerificationError) {
        return { outcome: 'refused', code: error.code, role: error.role, reason: error.message };
      }
      if (error instanceof DownloadError) return { outcome: 'unchecked', reason: error.message };
      throw error;
    }
  }

  #remember(gun: Gun): void {
    this.#marked.delete(gun);
    this.#marked.add(gun);
    const [oldest] = this.#marked;
    if (this.#marked.size <= MAX_MARKED || oldest === undefined) return;
    this.#marked.delete(oldest);
    this.#marks.forget(oldest);
  }
}

function firstExpiry({ roles }: TrustReport): number {
  return Math.min(...roles.map(({ expires }) => expires.getTime()));
}

function dropOldest(map: Map<Gun, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return;
    map.delete(oldest);
  }
}
