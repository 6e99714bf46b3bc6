// SPDX-License-Identifier: Apache-2.0

/** Text that grows while a program runs, with a way to wait until it matches. */
export class GrowingText {
  #text = '';
  #ended: string | undefined;
  readonly #changed = new Set<() => void>();

  get text(): string {
    return this.#text;
  }

  append(more: string): void {
    this.#text += more;
    this.#wake();
  }

  /** No more text will come; whoever waits in vain is told `reason`. */
  end(reason: string): void {
    this.#ended = reason;
    this.#wake();
  }

  /**
   * Resolves with the first match of `pattern` at or after `from`.
   * Throws with the whole text when the text ends, or when nothing matched within `milliseconds`.
   */
  async match(pattern: RegExp, from: number, milliseconds: number): Promise<{ match: RegExpExecArray; end: number }> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const match = pattern.exec(this.#text.slice(from));
      if (match !== null) return { match, end: from + match.index + match[0].length };
      if (this.#ended !== undefined) throw this.#failure(pattern, this.#ended);
      if (!(await this.#nextChange(deadline - Date.now()))) {
        throw this.#failure(pattern, `nothing came within ${milliseconds} ms`);
      }
    }
  }

  #failure(pattern: RegExp, reason: string): Error {
    return new Error(`waited for ${pattern}: ${reason}; so far:\n${this.#text}`);
  }

  #nextChange(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (changed: boolean) => {
        clearTimeout(timer);
        this.#changed.delete(wake);
        resolve(changed);
      };
      const wake = () => settle(true);
      const timer = setTimeout(() => settle(false), Math.max(0, milliseconds));
      this.#changed.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#changed]) wake();
  }
}
