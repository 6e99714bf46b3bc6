// SPDX-License-Identifier: Apache-2.0
import { DecodeError } from './errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Text of well-formed UTF-8; a BOM stays a character. @throws DecodeError */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new DecodeError('not well-formed UTF-8');
  }
}

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bits of the last character that belong to no byte must be zero, else one value has several spellings. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

/** Bytes of padded standard base64 (RFC 4648 §4) in its one canonical spelling. @throws DecodeError */
export function decodeBase64(text: string): Uint8Array {
  if (!BASE64.test(text)) throw new DecodeError('not strict base64');
  return bytesOfBase64(text);
}

/** The language's own way costs a fifth of a Buffer's, which counts in files of thousands of hashes. Node has it since 25. */
const bytesOfBase64: (text: string) => Uint8Array =
  typeof Uint8Array.fromBase64 === 'function'
    ? (text) => Uint8Array.fromBase64(text)
    : (text) => new Uint8Array(Buffer.from(text, 'base64'));

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

const HEX = /^(?:[0-9a-f]{2})*$/;

/** Bytes of lower-case hex. @throws DecodeError */
export function decodeHex(text: string): Uint8Array {
  if (!HEX.test(text)) throw new DecodeError('not lower-case hex');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function encodeHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Whether two byte strings are equal. Not for secrets: its time depends on the content. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Order of the strings' UTF-8 bytes, which differs from JavaScript's UTF-16 order above U+D7FF. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above U+FFFF, so they rank behind U+E000–U+FFFF. */
function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Foreign text for a message: quoted, cut, and without anything that a terminal would obey or a reader not see. */
export function quoteText(text: string, maxLength = 128): string {
  const spelled = (char: string) => `\\u{${char.codePointAt(0)?.toString(16)}}`;
  return JSON.stringify(text.slice(0, maxLength)).replace(UNPRINTABLE, spelled);
}
