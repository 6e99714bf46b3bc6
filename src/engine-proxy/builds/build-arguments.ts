// SPDX-License-Identifier: Apache-2.0

/** What stands in `$NAME` and `${NAME…}`, with the two modifiers that every version of the builder knows. */
const PART =
  /[A-Za-z0-9._/:@-]+|\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:[-+])([A-Za-z0-9._/:@-]*))?\})/y;
const DECLARED = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(?:"([^"'\\`]*)"|'([^"'\\`]*)'|([^"'\\`]*)))?$/;
const RESULT = /^[A-Za-z0-9._/:@-]+$/;

/**
 * The arguments that stand before the first FROM, with the values given to the build. What cannot be told for certain makes
 * its use uncertain.
 */
export class BuildArguments {
  readonly #given: ReadonlyMap<string, string | undefined>;
  /** By name; `undefined` where it is not certain. */
  readonly #values = new Map<string, string | undefined>();
  #isCertain = true;

  /** @param given of the build; `undefined` where the engine decides what it means */
  constructor(given: ReadonlyMap<string, string | undefined>) {
    this.#given = given;
  }

  /** Takes what follows ARG. */
  declare(rest: string): void {
    for (const word of rest.split(/[ \t]+/)) {
      const [, name, double, single, plain] = DECLARED.exec(word) ?? [];
      const text = double ?? plain;
      const value = single ?? (text === undefined ? '' : this.#expanded(text));
      // another way to quote: even where a word ends is not certain then
      if (name === undefined) this.#isCertain = false;
      else this.#values.set(name, this.#given.has(name) ? this.#given.get(name) : value);
    }
  }

  /** A name with its variables replaced, or undefined where that is not certain. */
  resolve(name: string): string | undefined {
    const value = this.#expanded(name);
    return value !== undefined && RESULT.test(value) ? value : undefined;
  }

  #expanded(text: string): string | undefined {
    let result = '';
    PART.lastIndex = 0;
    for (let at = 0; at < text.length; at = PART.lastIndex) {
      const part = PART.exec(text);
      if (part === null) return undefined;
      const [plain, short, long, modifier, word = ''] = part;
      const name = short ?? long;
      const value = name === undefined ? plain : this.#valueOf(name, modifier, word);
      if (value === undefined) return undefined;
      result += value;
    }
    return result;
  }

  #valueOf(name: string, modifier: string | undefined, word: string): string | undefined {
    // some arguments, such as HTTP_PROXY, need no declaration, and which ones is the engine's to know
    const value = this.#values.has(name) ? this.#values.get(name) : this.#given.has(name) ? undefined : '';
    if (!this.#isCertain || value === undefined) return undefined;
    if (modifier === ':-') return value === '' ? word : value;
    if (modifier === ':+') return value === '' ? '' : word;
    return value;
  }
}
