// SPDX-License-Identifier: Apache-2.0

interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
  /** Whether it was asked for since it last stood at the end of the queue. */
  used: boolean;
}

/**
 * A map that forgets what was not asked for lately once the sizes of its values pass a bound. An entry that was used gets
 * a second chance instead of moving at each use: reading is by far the most frequent thing, and costs one look-up.
 */
export class ByteBoundedMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #limit: number;
  #total = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  set(key: string, value: V, bytes: number): void {
    this.delete(key);
    if (bytes > this.#limit) return;
    this.#entries.set(key, { value, bytes, used: false });
    this.#total += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#total <= this.#limit) break;
      this.#entries.delete(oldest);
      if (entry.used && oldest !== key) this.#entries.set(oldest, { ...entry, used: false });
      else this.#total -= entry.bytes;
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#entries.delete(key)) this.#total -= entry.bytes;
  }

  /** The bytes of all values. */
  get bytes(): number {
    return this.#total;
  }
}
