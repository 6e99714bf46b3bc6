// SPDX-License-Identifier: Apache-2.0

/** One way in that a server offers in `WWW-Authenticate`. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_HEADER = 8192;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;

/**
 * Reads `WWW-Authenticate` (RFC 9110, 11.6.1), several challenges in one header too. What cannot be read ends the list:
 * a broken challenge is a server without that challenge, never an exception. One pass, so linear in the header (S31).
 */
export function parseChallenges(header: string | null): readonly Challenge[] {
  if (header === null || header.length > MAX_HEADER) return [];
  const cursor = new Cursor(header);
  const challenges: Challenge[] = [];
  for (;;) {
    cursor.skip(/[ \t,]*/y);
    const scheme = cursor.take(TOKEN);
    if (scheme === undefined) return challenges;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: parameters(cursor) });
  }
}

function parameters(cursor: Cursor): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (;;) {
    const start = cursor.at;
    cursor.skip(/[ \t,]*/y);
    const name = cursor.take(TOKEN);
    cursor.skip(SPACE);
    if (name === undefined || !cursor.eat('=')) {
      cursor.at = start; // the next scheme
      return found;
    }
    cursor.skip(SPACE);
    const value = cursor.eat('"') ? cursor.quoted() : cursor.take(TOKEN);
    if (value === undefined) return found;
    // the first of two equal names counts, so that nothing appended to a header changes its meaning
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
  }
}

class Cursor {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  skip(pattern: RegExp): void {
    this.take(pattern);
  }

  eat(char: string): boolean {
    if (this.#text.charAt(this.at) !== char) return false;
    this.at++;
    return true;
  }

  /** Text up to the closing quote; the opening one is behind. */
  quoted(): string | undefined {
    let text = '';
    for (; this.at < this.#text.length; this.at++) {
      const char = this.#text.charAt(this.at);
      if (char === '"') {
        this.at++;
        return text;
      }
      if (char === '\\') this.at++;
      text += this.#text.charAt(this.at);
    }
    return undefined;
  }
}
