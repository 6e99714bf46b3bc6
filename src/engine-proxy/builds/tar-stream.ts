// SPDX-License-Identifier: Apache-2.0
import { AmbiguousRequestError } from '../request-head.ts';

export const BLOCK = 512;
const MAX_EXTENSION = 64 * 1024;
const HEADER_ONLY = /^[1-6]$/;

/** One entry of a tar, its headers as they came. */
export interface TarEntry {
  /** Cleaned: `Dockerfile` for `./Dockerfile`. */
  readonly name: string;
  readonly isFile: boolean;
  /** Of its content, without what fills the last block. */
  readonly size: number;
  readonly headers: Uint8Array;
}

/** Reads a stream piece by piece. */
export class TarReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next entry; undefined at the end. @throws AmbiguousRequestError */
  async entry(): Promise<TarEntry | undefined> {
    const headers: Uint8Array[] = [];
    const extended = new Map<string, string>();
    for (;;) {
      const block = await this.#block();
      if (block === undefined || block.every((byte) => byte === 0)) {
        if (headers.length > 0) throw damaged();
        return undefined;
      }
      const { type, size, name } = fieldsOf(block);
      headers.push(block);
      if (!/^[xgLK]$/.test(type))
        return entryOf(type, extended.get('path') ?? name, sizeOf(type, size, extended), headers);
      if (size > MAX_EXTENSION) throw damaged();
      const content = await this.take(padded(size));
      headers.push(content);
      if (type === 'L') extended.set('path', textUntilNul(content.subarray(0, size)));
      if (type === 'x') for (const [key, value] of recordsOf(content.subarray(0, size))) extended.set(key, value);
      if (type === 'g') refuseGlobal(recordsOf(content.subarray(0, size)));
    }
  }

  /** Exactly so many bytes. @throws AmbiguousRequestError */
  async take(count: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.pass(count)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** The same, as they come. @throws AmbiguousRequestError */
  async *pass(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (this.#held.length === 0 && !(await this.#more())) throw damaged();
      const part = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** The content of an entry and what fills its last block, of which the docker CLI leaves out that of the last entry. */
  async *content({ size }: TarEntry): AsyncGenerator<Uint8Array> {
    yield* this.pass(size);
    const filling = padded(size) - size;
    while (this.#held.length < filling && (await this.#more()));
    const there = this.#held.subarray(0, filling);
    this.#held = this.#held.subarray(there.length);
    yield Buffer.concat([there, Buffer.alloc(filling - there.length)]);
  }

  /** Reads what is left, and drops it. */
  async drain(): Promise<void> {
    while (await this.#more()) this.#held = Buffer.alloc(0);
  }

  async #block(): Promise<Buffer | undefined> {
    if (this.#held.length === 0 && !(await this.#more())) return undefined;
    return this.take(BLOCK);
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#source.next();
    if (done === true) return false;
    this.#held = Buffer.concat([this.#held, value]);
    return true;
  }
}

/** A file of its own at the root of a tar: header, content and what fills the last block. */
export function tarFile(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'latin1');
  header.write('0000600\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  header.write(`${content.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, Buffer.alloc(padded(content.length) - content.length)]);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function damaged(): AmbiguousRequestError {
  return new AmbiguousRequestError('the context of the build is no tar that can be read for certain');
}

function fieldsOf(block: Buffer): { type: string; size: number; name: string } {
  const sum = Number.parseInt(textUntilNul(block.subarray(148, 156)).trim(), 8);
  if (sum !== sumOf(block)) throw damaged();
  const type = String.fromCharCode(block[156] ?? 0);
  const prefix = /^ustar\0/.test(block.toString('latin1', 257, 263)) ? textUntilNul(block.subarray(345, 500)) : '';
  const name = textUntilNul(block.subarray(0, 100));
  return { type, size: numberAt(block.subarray(124, 136)), name: prefix === '' ? name : `${prefix}/${name}` };
}

/** The sum of a header's bytes, its own field taken for spaces. */
function sumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

/** In octal, or in GNU's form for what is larger. */
function numberAt(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(4).readBigUInt64BE();
    if ((field.readUInt32BE(0) & 0x7fffffff) !== 0 || value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged();
    return Number(value);
  }
  const text = textUntilNul(field).trim();
  if (!/^[0-7]*$/.test(text)) throw damaged();
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function textUntilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

/** `LENGTH KEY=VALUE\n`, one after the other. */
function recordsOf(bytes: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const record = bytes.subarray(space + 1, at + length);
    const equals = record.indexOf(0x3d);
    if (space < 0 || !(length > 0) || at + length > bytes.length || equals < 1 || record.at(-1) !== 0x0a)
      throw damaged();
    found.set(record.toString('utf8', 0, equals), record.toString('utf8', equals + 1, record.length - 1));
    at += length;
  }
  if ([...found.keys()].some((key) => key.startsWith('GNU.sparse'))) throw damaged();
  return found;
}

/** What holds for every entry after it. */
function refuseGlobal(records: ReadonlyMap<string, string>): void {
  if (records.has('path') || records.has('size') || records.has('linkpath')) throw damaged();
}

function sizeOf(type: string, size: number, extended: ReadonlyMap<string, string>): number {
  if (HEADER_ONLY.test(type)) return 0;
  const given = extended.get('size');
  if (given !== undefined && !/^\d{1,15}$/.test(given)) throw damaged();
  return given === undefined ? size : Number(given);
}

function entryOf(type: string, path: string, size: number, headers: readonly Uint8Array[]): TarEntry {
  if (!/^[0-7\0]$/.test(type)) throw damaged();
  const isDirectory = type === '5' || path.endsWith('/');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return {
    name: parts.join('/'),
    isFile: /^[07\0]$/.test(type) && !isDirectory,
    size,
    headers: Buffer.concat(headers),
  };
}
