// SPDX-License-Identifier: Apache-2.0

/** What was worked out from a key, for the keys that came last: a pure function's answers, never those that it threw. */
export class BoundedMemo<K, V> {
  readonly #known = new Map<K, V>();
  readonly #size: number;

  /** @param size how many are kept; the oldest is forgotten first */
  constructor(size: number) {
    this.#size = size;
  }

  get(key: K, make: () => V): V {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (made === undefined) return made;
    this.#known.set(key, made);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#size && oldest !== undefined) this.#known.delete(oldest);
    return made;
  }
}
