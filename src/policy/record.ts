// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '../registry/index.ts';
import type { Gun } from '../tuf/index.ts';
import type { SignedTag } from './signers.ts';

/** A tag and digest that verified targets held, and when last. */
export interface SeenTag extends SignedTag {
  readonly lastSeen: Date;
}

/**
 * What an enforcement point remembers beside trust data: which digests verified targets held (for `signed-ever`), and under
 * which pins each repository was first trusted. Durable once a call returns; several processes may share one.
 */
export interface PolicyRecord {
  /**
   * All that is signed now. With the `fingerprint` of the last call only the time is written anew, so it may be called for each
   * decision; `tags` is asked for only when something changed.
   */
  seen(gun: Gun, fingerprint: string, tags: () => readonly SignedTag[], now: Date): void;
  /** When and for which tags a digest was signed; empty if never, or too long ago to be kept. */
  lastSeen(gun: Gun, digest: Digest): readonly SeenTag[];
  /** Whether the repository was once found to fit these pins. */
  isAnchored(gun: Gun, pins: string): boolean;
  anchor(gun: Gun, pins: string): void;
  close(): void;
}

/** For how long a digest that is signed no more is kept: as long as `signed-ever` may say. */
export const KEPT_MILLISECONDS = 400 * 86_400_000;

/** One that lives as long as the process. */
export class MemoryPolicyRecord implements PolicyRecord {
  readonly #repositories = new Map<Gun, { fingerprint: string; at: Date; tags: Map<string, SeenTag> }>();
  readonly #anchors = new Set<string>();

  seen(gun: Gun, fingerprint: string, tags: () => readonly SignedTag[], now: Date): void {
    const known = this.#repositories.get(gun);
    const kept = known?.tags ?? new Map<string, SeenTag>();
    const current =
      known?.fingerprint === fingerprint ? [...kept.values()].filter((tag) => tag.lastSeen === known.at) : tags();
    for (const tag of current) kept.set(`${tag.tag}\n${tag.digest}`, { ...tag, lastSeen: now });
    this.#repositories.set(gun, { fingerprint, at: now, tags: kept });
  }

  lastSeen(gun: Gun, digest: Digest): readonly SeenTag[] {
    return [...(this.#repositories.get(gun)?.tags.values() ?? [])].filter((tag) => tag.digest === digest);
  }

  isAnchored(gun: Gun, pins: string): boolean {
    return this.#anchors.has(`${gun}\n${pins}`);
  }

  anchor(gun: Gun, pins: string): void {
    this.#anchors.add(`${gun}\n${pins}`);
  }

  close(): void {}
}
