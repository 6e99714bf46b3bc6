// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeUtf8 } from '../encoding/index.ts';
import { AmbiguousRequestError } from './request-head.ts';

/** A text in a JSON document, and where it stands in it. */
export interface TextPlace {
  readonly value: string;
  /** Offsets of the whole literal, quotes included, in characters of the document. */
  readonly start: number;
  readonly end: number;
}

type Node =
  | { readonly kind: 'object'; readonly members: readonly { readonly key: string; readonly value: Node }[] }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | ({ readonly kind: 'text' } & TextPlace)
  | { readonly kind: 'null' }
  | { readonly kind: 'other' };

const MAX_DEPTH = 64;

/**
 * A JSON document as Go's decoder sees it, with the places of its texts, so that one of them can be replaced and everything
 * else stays byte for byte. Members are found without regard to case, as Go finds them; where that gives more than one, Go
 * and whoever reads it otherwise would take different ones, and the document is refused (S11).
 */
export class JsonPlaces {
  readonly text: string;
  readonly #root: Node;

  /** @throws AmbiguousRequestError */
  constructor(bytes: Uint8Array) {
    try {
      this.text = decodeUtf8(bytes);
    } catch (cause) {
      if (cause instanceof DecodeError) throw new AmbiguousRequestError('a body that is not UTF-8', { cause });
      throw cause;
    }
    this.#root = new Scanner(this.text).document();
  }

  /** The texts at a path of members; `*` is every item of a list. What is null or absent is none. @throws AmbiguousRequestError */
  texts(...path: readonly string[]): readonly TextPlace[] {
    return textsAt(this.#root, path);
  }

  /** The lists of texts below each item of a list: several members of one item together. */
  items(...path: readonly string[]): readonly JsonItem[] {
    return nodesAt(this.#root, path).flatMap((node) =>
      node.kind === 'array' ? node.items.map((item) => new JsonItem(item)) : [],
    );
  }

  /** The document with some of its texts replaced. */
  replaced(changes: ReadonlyMap<TextPlace, string>): Uint8Array {
    let text = this.text;
    for (const [{ start, end }, value] of [...changes].sort(([a], [b]) => b.start - a.start))
      text = text.slice(0, start) + JSON.stringify(value) + text.slice(end);
    return Buffer.from(text, 'utf8');
  }
}

/** One item of a list. */
class JsonItem {
  readonly #node: Node;

  constructor(node: unknown) {
    this.#node = node as Node;
  }

  texts(...path: readonly string[]): readonly TextPlace[] {
    return textsAt(this.#node, path);
  }
}

function textsAt(node: Node, path: readonly string[]): readonly TextPlace[] {
  return nodesAt(node, path).flatMap((found) => {
    if (found.kind === 'text') return [found];
    if (found.kind === 'null') return [];
    throw new AmbiguousRequestError(`${path.join('.')} is no text`);
  });
}

function nodesAt(node: Node, path: readonly string[]): readonly Node[] {
  const [name, ...rest] = path;
  if (name === undefined) return [node];
  if (node.kind === 'null') return [];
  if (name === '*') {
    if (node.kind !== 'array') throw new AmbiguousRequestError(`${path.join('.')} is not in a list`);
    return node.items.flatMap((item) => nodesAt(item, rest));
  }
  if (node.kind !== 'object') throw new AmbiguousRequestError(`${path.join('.')} is not in an object`);
  const found = node.members.filter(({ key }) => fold(key) === fold(name));
  if (found.length > 1) throw new AmbiguousRequestError(`${name} is there more than once`);
  return found.flatMap(({ value }) => nodesAt(value, rest));
}

/** As Go compares a member with a name of ASCII letters: ſ is s, the Kelvin sign is k, and no other letter is one of those. */
function fold(text: string): string {
  return text.replace(/[A-Z\u017f\u212a]/g, (letter) => (letter === '\u017f' ? 's' : letter.toLowerCase()));
}

class Scanner {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Node {
    const node = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#bad();
    return node;
  }

  #value(): Node {
    this.#space();
    const character = this.#text[this.#at];
    if (character === '{') return this.#nested(() => this.#object());
    if (character === '[') return this.#nested(() => this.#array());
    if (character === '"') return this.#string();
    const literal = this.#match(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y);
    return literal === 'null' ? { kind: 'null' } : { kind: 'other' };
  }

  #nested(read: () => Node): Node {
    if (++this.#depth > MAX_DEPTH) throw this.#bad();
    const node = read();
    this.#depth--;
    return node;
  }

  #object(): Node {
    const members: { key: string; value: Node }[] = [];
    this.#at++;
    for (let first = true; !this.#closes('}', first); first = false) {
      this.#space();
      const key = this.#string().value;
      this.#space();
      this.#match(/:/y);
      members.push({ key, value: this.#value() });
    }
    return { kind: 'object', members };
  }

  #array(): Node {
    const items: Node[] = [];
    this.#at++;
    for (let first = true; !this.#closes(']', first); first = false) items.push(this.#value());
    return { kind: 'array', items };
  }

  /** Whether the end of a list comes; otherwise takes the comma that has to stand before anything but the first. */
  #closes(end: string, first: boolean): boolean {
    this.#space();
    if (this.#text[this.#at] === end) {
      this.#at++;
      return true;
    }
    if (!first) {
      this.#match(/,/y);
      this.#space();
      if (this.#text[this.#at] === end) throw this.#bad();
    }
    return false;
  }

  #string(): Node & { readonly kind: 'text' } {
    const start = this.#at;
    this.#match(/"/y);
    while (this.#isEscaped(this.#toQuote())) this.#at++;
    this.#at++;
    return { kind: 'text', value: this.#decoded(this.#text.slice(start, this.#at)), start, end: this.#at };
  }

  /** By hand: a regular expression gives up on a text of a million characters, after a second of work (S31). */
  #toQuote(): number {
    const quote = this.#text.indexOf('"', this.#at);
    if (quote < 0) throw this.#bad();
    this.#at = quote;
    return quote;
  }

  #isEscaped(at: number): boolean {
    let before = at;
    while (this.#text[before - 1] === '\\') before--;
    return (at - before) % 2 === 1;
  }

  /** Control characters and escapes that JSON does not know are refused here. */
  #decoded(literal: string): string {
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw this.#bad();
    }
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw this.#bad();
    this.#at += found.length;
    return found;
  }

  #bad(): AmbiguousRequestError {
    return new AmbiguousRequestError(`a body that is not JSON at character ${this.#at}`);
  }
}
