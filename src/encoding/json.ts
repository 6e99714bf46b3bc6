// SPDX-License-Identifier: Apache-2.0
import { DecodeError } from './errors.ts';
import { decodeUtf8 } from './text.ts';

/** A JSON number that is no plain safe integer: kept as it was spelled, since a double would change it. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An object is a `Map` in the order of the text: wire strings such as `__proto__` stay data. */
export type JsonObject = ReadonlyMap<string, JsonValue>;
export type JsonValue = null | boolean | string | number | JsonNumber | readonly JsonValue[] | JsonObject;

export interface JsonLimits {
  /** Nested arrays and objects, at most. */
  readonly depth?: number;
  /** Values in the whole document, at most. */
  readonly values?: number;
}

const DEFAULT_DEPTH = 64;
const DEFAULT_VALUES = 4_000_000;

/**
 * Reads one JSON document strictly (RFC 8259): well-formed UTF-8 without BOM, no duplicate key, no trailing bytes, no
 * lone surrogate, bounded depth. Integers within ±(2^53-1) come as `number`, all other numbers as {@link JsonNumber}.
 *
 * The strictness closes the gap between two readers of one document (Cure53 TUF-01-001 and method notes, S10 and S11).
 * @throws DecodeError
 */
export function decodeJson(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  return new Reader(decodeUtf8(bytes), limits).document();
}

/** As {@link decodeJson}, and the document must be an object. @throws DecodeError */
export function decodeJsonObject(bytes: Uint8Array, limits: JsonLimits = {}): JsonObject {
  const value = decodeJson(bytes, limits);
  if (!(value instanceof Map)) throw new DecodeError('not a JSON object', 0);
  return value;
}

/** A member of a document's outermost object. */
export interface JsonMember {
  readonly value: JsonValue;
  /** The member's own text, where that is its canonical form already; else it has to be made. */
  readonly canonical: string | undefined;
}

/**
 * As {@link decodeJsonObject}, with each member's canonical text where the document has it: metadata comes in canonical
 * form, and to write it anew costs more than to read it.
 * @throws DecodeError
 */
export function decodeJsonMembers(bytes: Uint8Array, limits: JsonLimits = {}): ReadonlyMap<string, JsonMember> {
  return new Reader(decodeUtf8(bytes), limits).members();
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /^[0-9a-fA-F]{4}$/;
/** Escapes, control characters, and characters beyond U+FFFF, which UTF-16 sorts otherwise than UTF-8. */
const UNPLAIN = /[\\\p{Cc}\u{10000}-\u{10ffff}]/u;

class Reader {
  readonly #text: string;
  /** Whether each string reaches to the next quote, as it is. */
  readonly #isPlain: boolean;
  readonly #canonical = new Map<string, string | undefined>();
  /** What kept the text so far from being canonical: white space, keys out of order, odd numbers. */
  #oddities = 0;
  readonly #maxDepth: number;
  #valuesLeft: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#isPlain = !UNPLAIN.test(text);
    this.#maxDepth = limits.depth ?? DEFAULT_DEPTH;
    this.#valuesLeft = limits.values ?? DEFAULT_VALUES;
  }

  document(): JsonValue {
    const value = this.#value();
    if (!Number.isNaN(this.#next())) throw this.#error('bytes after the JSON document');
    return value;
  }

  members(): ReadonlyMap<string, JsonMember> {
    const document = this.document();
    if (!(document instanceof Map)) throw new DecodeError('not a JSON object', 0);
    return new Map([...document].map(([key, value]) => [key, { value, canonical: this.#canonical.get(key) }]));
  }

  #value(): JsonValue {
    if (this.#valuesLeft-- <= 0) throw this.#error('too many JSON values');
    switch (this.#next()) {
      case 0x7b:
        return this.#object();
      case 0x5b:
        return this.#array();
      case QUOTE:
        return this.#string();
      case 0x74:
        return this.#literal('true', true);
      case 0x66:
        return this.#literal('false', false);
      case 0x6e:
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #enter(): void {
    if (++this.#depth > this.#maxDepth) throw this.#error(`JSON nested deeper than ${this.#maxDepth}`);
    this.#at++;
  }

  #leave(): void {
    this.#depth--;
    this.#at++;
  }

  #object(): JsonObject {
    const object = new Map<string, JsonValue>();
    this.#enter();
    let isOrdered = true;
    let previous: string | undefined;
    for (let code = this.#next(); code !== 0x7d || previous !== undefined; code = this.#next()) {
      if (code !== QUOTE) throw this.#error('expected a JSON object key');
      const keyAt = this.#at;
      const key = this.#string();
      if (previous !== undefined && previous >= key) {
        isOrdered = false;
        this.#oddities++;
      }
      // one that comes after all others is none of them
      if (!isOrdered && object.has(key)) throw new DecodeError('duplicate JSON object key', keyAt);
      previous = key;
      if (this.#next() !== 0x3a) throw this.#error("expected ':'");
      this.#at++;
      object.set(key, this.#depth === 1 ? this.#member(key) : this.#value());
      const end = this.#next();
      if (end === 0x7d) break;
      if (end !== 0x2c) throw this.#error("expected ',' or '}'");
      this.#at++;
    }
    this.#leave();
    return object;
  }

  #member(key: string): JsonValue {
    this.#next();
    const [start, oddities] = [this.#at, this.#oddities];
    const value = this.#value();
    const isCanonical = this.#isPlain && this.#oddities === oddities;
    this.#canonical.set(key, isCanonical ? this.#text.slice(start, this.#at) : undefined);
    return value;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#enter();
    while (array.length > 0 || this.#next() !== 0x5d) {
      array.push(this.#value());
      const end = this.#next();
      if (end === 0x5d) break;
      if (end !== 0x2c) throw this.#error("expected ',' or ']'");
      this.#at++;
    }
    this.#leave();
    return array;
  }

  #string(): string {
    if (!this.#isPlain) return this.#escapedString();
    const from = this.#at + 1;
    const end = this.#text.indexOf('"', from);
    if (end < 0) throw this.#error('unterminated JSON string');
    this.#at = end + 1;
    return this.#text.slice(from, end);
  }

  #escapedString(): string {
    const text = this.#text;
    let from = ++this.#at;
    let built = '';
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code === QUOTE) {
        const value = built + text.slice(from, this.#at++);
        // JSON escapes can spell half a surrogate pair, which no UTF-8 text can hold
        if (built !== '' && !value.isWellFormed()) throw this.#error('lone surrogate in a JSON string');
        return value;
      }
      if (code === BACKSLASH) {
        built += text.slice(from, this.#at) + this.#escape();
        from = this.#at;
      } else if (code < 0x20 || Number.isNaN(code)) {
        throw this.#error(Number.isNaN(code) ? 'unterminated JSON string' : 'control character in a JSON string');
      } else {
        this.#at++;
      }
    }
  }

  #escape(): string {
    const letter = this.#text.charAt(this.#at + 1);
    if (letter === 'u') {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!HEX4.test(hex)) throw this.#error('bad \\u escape in a JSON string');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const char = ESCAPES.get(letter);
    if (char === undefined) throw this.#error('bad escape in a JSON string');
    this.#at += 2;
    return char;
  }

  #number(): number | JsonNumber {
    NUMBER.lastIndex = this.#at;
    if (!NUMBER.test(this.#text)) throw this.#error('expected a JSON value');
    const text = this.#text.slice(this.#at, NUMBER.lastIndex);
    const value = Number(text);
    if (!Number.isFinite(value)) throw this.#error('JSON number out of range');
    this.#at = NUMBER.lastIndex;
    // String(-0) is '0', so '-0' stays a JsonNumber like every other odd spelling
    if (Number.isSafeInteger(value) && String(value) === text) return value;
    this.#oddities++;
    return new JsonNumber(text);
  }

  #literal<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error('expected a JSON value');
    this.#at += word.length;
    return value;
  }

  /** The next character beyond white space, which is gone past; NaN at the end. */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
      this.#oddities++;
      this.#at++;
    }
  }

  #error(message: string): DecodeError {
    return new DecodeError(message, this.#at);
  }
}
