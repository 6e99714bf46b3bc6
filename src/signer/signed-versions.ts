// SPDX-License-Identifier: Apache-2.0
import type { KeyId, Version } from '../tuf/index.ts';
import { SigningRefusal } from './refusals.ts';

const FIRST = 1;
const SIZE = 100_000;

/**
 * The highest version that each key has signed since the service started. A server whose storage went back to an older
 * state is told so, instead of signing what clients refuse. It is an alarm and not a wall: version 1 is always allowed,
 * since a repository that was deleted may begin again with the keys that it had (docs/adr/0014).
 */
export class SignedVersions {
  readonly #highest = new Map<KeyId, number>();
  readonly #size: number;

  constructor(size = SIZE) {
    this.#size = size;
  }

  /**
   * Notes that a key signs a version. The same version again is allowed: a publish that lost a race, or broke off, is
   * made anew under it.
   * @returns whether the key's repository begins again
   * @throws SigningRefusal `stale-version`
   */
  note(keyId: KeyId, version: Version): { readonly isRestart: boolean } {
    const highest = this.#highest.get(keyId) ?? 0;
    const isRestart = version === FIRST && highest > FIRST;
    if (version < highest && !isRestart) {
      throw new SigningRefusal(
        'stale-version',
        `version ${version} is behind version ${highest}, which was signed already`,
      );
    }
    this.#highest.delete(keyId);
    this.#highest.set(keyId, version);
    const [oldest] = this.#highest.keys();
    if (this.#highest.size > this.#size && oldest !== undefined) this.#highest.delete(oldest);
    return { isRestart };
  }

  forget(keyId: KeyId): void {
    this.#highest.delete(keyId);
  }
}
