// SPDX-License-Identifier: Apache-2.0
/**
 * Canonical JSON a second time, written from its description alone and built otherwise than `src/encoding`: one pass over
 * bytes with a stack of its own instead of recursion over text, and no tree: each value becomes its canonical bytes at
 * once. Slow, and used by tests alone.
 */

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const MAX_DEPTH = 64;

interface Frame {
  readonly isObject: boolean;
  /** Canonical bytes of the elements; with an object, of the values in the order of `keys`. */
  readonly items: Buffer[];
  readonly keys: Buffer[];
}

/** Refuses the document. */
class Refused extends Error {}

/** The canonical bytes of a document, or undefined where it is no strict JSON or holds a fraction. */
export function canonicalOracle(document: Uint8Array): Buffer | undefined {
  try {
    return new Machine(Buffer.from(document)).run();
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

class Machine {
  readonly #bytes: Buffer;
  readonly #stack: Frame[] = [];
  #at = 0;
  #done: Buffer | undefined;

  constructor(bytes: Buffer) {
    // decoding and encoding again gives other bytes where they are ill-formed
    if (!Buffer.from(bytes.toString('utf8')).equals(bytes)) throw new Refused();
    this.#bytes = bytes;
  }

  run(): Buffer {
    while (this.#done === undefined) this.#step();
    this.#blank();
    if (this.#at !== this.#bytes.length) throw new Refused();
    return this.#done;
  }

  /** Reads one value, or opens one. */
  #step(): void {
    this.#blank();
    const frame = this.#stack.at(-1);
    if (frame?.isObject === true) this.#key(frame);
    const byte = this.#bytes[this.#at];
    if (byte !== OPEN_OBJECT && byte !== OPEN_ARRAY) {
      this.#finish(this.#scalar());
      return;
    }
    this.#at++;
    if (this.#stack.length >= MAX_DEPTH) throw new Refused();
    this.#stack.push({ isObject: byte === OPEN_OBJECT, items: [], keys: [] });
    this.#blank();
    if (this.#bytes[this.#at] === byte + 2) this.#close();
  }

  #key(frame: Frame): void {
    const key = this.#text();
    if (frame.keys.some((other) => other.equals(key))) throw new Refused();
    frame.keys.push(key);
    this.#blank();
    this.#expect(':');
    this.#blank();
  }

  /** Hands a value that is whole to what holds it, and closes as many holders as end here. */
  #finish(value: Buffer): void {
    const frame = this.#stack.at(-1);
    if (frame === undefined) {
      this.#done = value;
      return;
    }
    frame.items.push(value);
    this.#blank();
    if (this.#bytes[this.#at] === 0x2c) this.#at++;
    else this.#close();
  }

  #close(): void {
    const frame = this.#stack.pop();
    if (frame === undefined) throw new Refused();
    this.#expect(frame.isObject ? '}' : ']');
    this.#finish(frame.isObject ? objectBytes(frame) : joined('[', frame.items, ']'));
  }

  #scalar(): Buffer {
    const rest = this.#bytes.subarray(this.#at);
    if (rest[0] === 0x22) return quoted(this.#text());
    for (const word of ['true', 'false', 'null']) {
      if (rest.subarray(0, word.length).toString('latin1') !== word) continue;
      this.#at += word.length;
      return Buffer.from(word);
    }
    let end = 0;
    while (end < rest.length && '+-.0123456789eE'.includes(String.fromCharCode(rest[end] as number))) end++;
    this.#at += end;
    return numberBytes(rest.subarray(0, end).toString('latin1'));
  }

  /** The bytes that a string stands for. */
  #text(): Buffer {
    this.#expect('"');
    const start = this.#at;
    while (this.#bytes[this.#at] !== 0x22) {
      if ((this.#bytes[this.#at] ?? 0) < 0x20) throw new Refused();
      this.#at += this.#bytes[this.#at] === 0x5c ? 2 : 1;
    }
    const spelled = this.#bytes.subarray(start, this.#at++).toString('utf8');
    let meant: unknown;
    try {
      meant = JSON.parse(`"${spelled}"`);
    } catch {
      throw new Refused();
    }
    if (typeof meant !== 'string' || encodeURIComponentFails(meant)) throw new Refused();
    return Buffer.from(meant, 'utf8');
  }

  #expect(mark: string): void {
    if (this.#bytes[this.#at] !== mark.charCodeAt(0)) throw new Refused();
    this.#at++;
  }

  #blank(): void {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.#bytes[this.#at] ?? 0)) this.#at++;
  }
}

/** Half a surrogate pair, which no UTF-8 holds, is what this function of the language refuses. */
function encodeURIComponentFails(text: string): boolean {
  try {
    encodeURIComponent(text);
    return false;
  } catch {
    return true;
  }
}

function quoted(text: Buffer): Buffer {
  const bytes: number[] = [0x22];
  for (const byte of text) {
    if (byte === 0x22 || byte === 0x5c) bytes.push(0x5c);
    bytes.push(byte);
  }
  return Buffer.from([...bytes, 0x22]);
}

function objectBytes({ keys, items }: Frame): Buffer {
  const order = keys.map((_, index) => index).sort((a, b) => Buffer.compare(at(keys, a), at(keys, b)));
  return joined(
    '{',
    order.map((index) => Buffer.concat([quoted(at(keys, index)), Buffer.from(':'), at(items, index)])),
    '}',
  );
}

function at(list: readonly Buffer[], index: number): Buffer {
  return list[index] as Buffer;
}

function joined(open: string, items: readonly Buffer[], close: string): Buffer {
  const parts = items.flatMap((item, index) => (index === 0 ? [item] : [Buffer.from(','), item]));
  return Buffer.concat([Buffer.from(open), ...parts, Buffer.from(close)]);
}

/** Through a double, as Go's generic decoding does; from 2^63 on, and below its negative, Go's conversion gives -2^63. */
function numberBytes(text: string): Buffer {
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text)) throw new Refused();
  const double = Number.parseFloat(text);
  if (!Number.isFinite(double) || double % 1 !== 0) throw new Refused();
  if (double >= 2 ** 63 || double < -(2 ** 63)) return Buffer.from('-9223372036854775808');
  return Buffer.from(BigInt(double).toString(10));
}
