// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '../registry/index.ts';
import type { Gun, Mark } from '../tuf/index.ts';
import type { SignedTag } from './signers.ts';

/** A tag and digest that verified targets held, and when last. */
export interface SeenTag extends SignedTag {
  readonly lastSeen: Date;
}

/** A root by its file. */
export type AnchoredRoot = Pick<Mark, 'version' | 'sha256'>;

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
  /** The root of the repository that was last found to fit these pins; undefined if none was. */
  anchored(gun: Gun, pins: string): AnchoredRoot | undefined;
  anchor(gun: Gun, pins: string, root: AnchoredRoot): void;
  close(): void;
}

/** For how long a digest that is signed no more is kept: as long as `signed-ever` may say. */
export const KEPT_MILLISECONDS = 400 * 86_400_000;

/** One that lives as long as the process. */
export class MemoryPolicyRecord implements PolicyRecord {
  readonly #repositories = new Map<
    Gun,
    { fingerprint: string; readonly tags: Map<string, SeenTag & { as: string }> }
  >();
  readonly #anchors = new Map<string, AnchoredRoot>();

  seen(gun: Gun, fingerprint: string, tags: () => readonly SignedTag[], now: Date): void {
    const known = this.#repositories.get(gun) ?? { fingerprint: '', tags: new Map() };
    const isSame = known.fingerprint === fingerprint;
    const current = isSame ? [...known.tags.values()].filter(({ as }) => as === fingerprint) : tags();
    for (const { tag, digest, size, signers } of current)
      known.tags.set(`${tag}\n${digest}`, { tag, digest, size, signers, lastSeen: now, as: fingerprint });
    known.fingerprint = fingerprint;
    this.#repositories.set(gun, known);
  }

  lastSeen(gun: Gun, digest: Digest): readonly SeenTag[] {
    const found = [...(this.#repositories.get(gun)?.tags.values() ?? [])].filter((seen) => seen.digest === digest);
    return found.map(({ tag, size, signers, lastSeen }) => ({ tag, digest, size, signers, lastSeen }));
  }

  anchored(gun: Gun, pins: string): AnchoredRoot | undefined {
    return this.#anchors.get(`${gun}\n${pins}`);
  }

  anchor(gun: Gun, pins: string, root: AnchoredRoot): void {
    this.#anchors.set(`${gun}\n${pins}`, root);
  }

  close(): void {}
}
