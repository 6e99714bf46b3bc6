// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeUtf8, encodeUtf8 } from '../../encoding/index.ts';

/** Messages as proto3 spells them, as far as a signing service needs it: text, bytes, small numbers, messages inside. */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** 64 bits, seven in each byte. */
const MAX_VARINT_BYTES = 10;

/** How one member of a message is spelled. */
export interface Field<T> {
  readonly number: number;
  readonly wireType: typeof VARINT | typeof LENGTH_DELIMITED;
  /** `undefined` for the value that proto3 leaves out. */
  encode(value: T): Uint8Array | undefined;
  /** Of all occurrences on the wire, in their order; of none for a member that was left out. @throws DecodeError */
  decode(payloads: readonly Uint8Array[]): T;
}

export interface Codec<T> {
  encode(message: T): Uint8Array;
  /** Unknown fields are passed over. @throws DecodeError */
  decode(bytes: Uint8Array): T;
}

/** A message whose members are spelled by `fields`. */
export function messageCodec<T extends object>(fields: { readonly [Name in keyof T]: Field<T[Name]> }): Codec<T> {
  const named = Object.entries(fields) as [keyof T & string, Field<T[keyof T]>][];
  return {
    encode: (message) => Buffer.concat(named.flatMap(([name, field]) => encodeField(field, message[name]))),
    decode: (bytes) => {
      const payloads = readFields(bytes);
      const members = named.map(([name, field]) => [name, field.decode(payloads.get(tagOf(field)) ?? [])]);
      return Object.fromEntries(members) as T;
    },
  };
}

export function textField(number: number): Field<string> {
  return {
    number,
    wireType: LENGTH_DELIMITED,
    encode: (value) => (value === '' ? undefined : encodeUtf8(value)),
    decode: (payloads) => decodeUtf8(payloads.at(-1) ?? new Uint8Array()),
  };
}

export function bytesField(number: number): Field<Uint8Array> {
  return {
    number,
    wireType: LENGTH_DELIMITED,
    encode: (value) => (value.length === 0 ? undefined : value),
    decode: (payloads) => payloads.at(-1) ?? new Uint8Array(),
  };
}

/** A number that is not negative: an enumeration. */
export function numberField(number: number): Field<number> {
  return {
    number,
    wireType: VARINT,
    encode: (value) => (value === 0 ? undefined : encodeVarint(value)),
    decode: (payloads) => readVarint(payloads.at(-1) ?? Uint8Array.of(0), 0).value,
  };
}

/** A message inside; what is spelled in several pieces is one message, as the format has it. */
export function embeddedField<T>(number: number, codec: Codec<T>): Field<T | undefined> {
  return {
    number,
    wireType: LENGTH_DELIMITED,
    encode: (value) => (value === undefined ? undefined : codec.encode(value)),
    decode: (payloads) => (payloads.length === 0 ? undefined : codec.decode(Buffer.concat(payloads))),
  };
}

function tagOf({ number, wireType }: Pick<Field<never>, 'number' | 'wireType'>): number {
  return number * 8 + wireType;
}

function encodeField<T>(field: Field<T>, value: T): Uint8Array[] {
  const payload = field.encode(value);
  if (payload === undefined) return [];
  const length = field.wireType === LENGTH_DELIMITED ? [encodeVarint(payload.length)] : [];
  return [encodeVarint(tagOf(field)), ...length, payload];
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}

/** The payloads of every field by its tag, each in the order of the wire. A field of another type is another field. */
function readFields(bytes: Uint8Array): ReadonlyMap<number, readonly Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>();
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    if (tag.value < 8) throw new DecodeError('message has a field without a number');
    const [start, end] = payloadAt(bytes, tag.value % 8, tag.end);
    if (end > bytes.length) throw new DecodeError('message is cut off');
    const payloads = found.get(tag.value) ?? [];
    payloads.push(bytes.subarray(start, end));
    found.set(tag.value, payloads);
    at = end;
  }
  return found;
}

function payloadAt(bytes: Uint8Array, wireType: number, at: number): readonly [start: number, end: number] {
  switch (wireType) {
    case VARINT:
      return [at, readVarint(bytes, at).end];
    case FIXED64:
      return [at, at + 8];
    case FIXED32:
      return [at, at + 4];
    case LENGTH_DELIMITED: {
      const length = readVarint(bytes, at);
      return [length.end, length.end + length.value];
    }
    default:
      // groups, which proto3 does not have
      throw new DecodeError('message has a field of an unknown form');
  }
}

/** Beyond 2^53 the value is not exact, and nothing that long is right here: it only has to be passed over. */
function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let index = 0; index < MAX_VARINT_BYTES; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new DecodeError('message is cut off');
    value += (byte & 127) * 128 ** index;
    if (byte < 128) return { value, end: at + index + 1 };
  }
  throw new DecodeError('message has a number that does not end');
}
