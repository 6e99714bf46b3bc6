// SPDX-License-Identifier: Apache-2.0
import { DecodeError } from './errors.ts';
import { JsonNumber, type JsonValue } from './json.ts';
import { compareUtf8, encodeUtf8 } from './text.ts';

/**
 * Canonical JSON as TUF signs it and Notary v1 computes it: no white space, object keys in the order of their UTF-8
 * bytes, only `"` and `\` escaped, numbers as integers. The bytes of OLPC canonical JSON, but for odd numbers.
 *
 * Numbers go through a double as in Go (`1e3` becomes `1000`); one of 2^63 or more becomes -2^63, as Go's conversion
 * does on amd64. @throws DecodeError on a fraction
 */
export function encodeCanonicalJson(value: JsonValue): Uint8Array {
  return encodeUtf8(canonicalText(value));
}

/** As {@link encodeCanonicalJson}, as text. @throws DecodeError */
export function canonicalText(value: JsonValue): string {
  return textOf(value, ({ text }) => integer(Number(text)));
}

/**
 * Canonical JSON as TUF 1.0 signs it: the same, but an integer of any size stays what it is, and a number that is not
 * spelled as an integer is refused, since other implementations do not agree on it. @throws DecodeError
 */
export function exactCanonicalText(value: JsonValue): string {
  return textOf(value, ({ text }) => {
    if (!INTEGER.test(text)) throw new DecodeError('canonical JSON has integers alone');
    return text === '-0' ? '0' : text;
  });
}

type Spell = (number: JsonNumber) => string;
const INTEGER = /^-?\d+$/;

function textOf(value: JsonValue, spell: Spell): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return integer(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (value instanceof JsonNumber) return spell(value);
  if (isArray(value)) return `[${value.map((member) => textOf(member, spell)).join(',')}]`;
  return object(value, spell);
}

/**
 * The form in which Notary v1 stores canonical JSON: Go's HTML escapes on top, so `<`, `>`, `&`, U+2028 and U+2029 are
 * spelled `\u003c` and so on. Hashes and lengths of files are over this form, signatures over the one without.
 */
export function htmlEscape(canonical: string): string {
  return HTML.test(canonical) ? canonical.replace(HTML_ALL, escapeUnit) : canonical;
}

const HTML = /[<>&\u2028\u2029]/;
const HTML_ALL = /[<>&\u2028\u2029]/g;
const QUOTED = /["\\]/;
const QUOTED_ALL = /["\\]/g;

function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function quote(text: string): string {
  return QUOTED.test(text) ? `"${text.replace(QUOTED_ALL, '\\$&')}"` : `"${text}"`;
}

function integer(value: number): string {
  if (Number.isSafeInteger(value)) return String(value === 0 ? 0 : value);
  if (!Number.isInteger(value)) throw new DecodeError('canonical JSON has no fractions');
  const big = BigInt(value);
  return String(BigInt.asIntN(64, big) === big ? big : -(2n ** 63n));
}

function object(map: ReadonlyMap<string, JsonValue>, spell: Spell): string {
  const parts: string[] = [];
  let previous: string | undefined;
  let sorted = true;
  for (const [key, member] of map) {
    if (previous !== undefined && compareUtf8(previous, key) > 0) sorted = false;
    previous = key;
    parts.push(`${quote(key)}:${textOf(member, spell)}`);
  }
  if (sorted) return `{${parts.join(',')}}`;
  const keys = [...map.keys()].map((key, index) => ({ key, part: parts[index] as string }));
  keys.sort((a, b) => compareUtf8(a.key, b.key));
  return `{${keys.map(({ part }) => part).join(',')}}`;
}

function isArray(value: readonly JsonValue[] | ReadonlyMap<string, JsonValue>): value is readonly JsonValue[] {
  return Array.isArray(value);
}
