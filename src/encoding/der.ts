// SPDX-License-Identifier: Apache-2.0
import { DecodeError } from './errors.ts';

/** One DER value (X.690): its tag, its content, and the bytes of the whole. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

export const DerTag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  sequence: 0x30,
  context0: 0xa0,
  context1: 0xa1,
} as const;

/** The one value that fills `bytes`, with the given tag. @throws DecodeError */
export function decodeDer(bytes: Uint8Array, tag: number): DerValue {
  const [value, rest] = readDer(bytes);
  if (rest.length > 0) throw new DecodeError('bytes after the DER value');
  if (value.tag !== tag) throw new DecodeError(`DER tag ${value.tag} where ${tag} should be`);
  return value;
}

/** The values inside a constructed value, in order. @throws DecodeError */
export function decodeDerSequence(bytes: Uint8Array, tag: number = DerTag.sequence): DerValue[] {
  const values: DerValue[] = [];
  let rest = decodeDer(bytes, tag).content;
  while (rest.length > 0) {
    const [value, after] = readDer(rest);
    values.push(value);
    rest = after;
  }
  return values;
}

function readDer(bytes: Uint8Array): [DerValue, Uint8Array] {
  const tag = bytes[0];
  const first = bytes[1];
  if (tag === undefined || first === undefined) throw new DecodeError('DER value cut off');
  if ((tag & 0x1f) === 0x1f) throw new DecodeError('DER tag of several bytes');
  let length = first;
  let header = 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DecodeError('bad DER length');
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[2 + i] ?? 0);
    header += count;
    // the shortest form is the only one in DER
    if (length < 0x80 || (count > 1 && length < 256 ** (count - 1))) throw new DecodeError('DER length not minimal');
  }
  const end = header + length;
  if (end > bytes.length) throw new DecodeError('DER value cut off');
  const raw = bytes.subarray(0, end);
  return [{ tag, content: raw.subarray(header), raw }, bytes.subarray(end)];
}

/** A DER value made of a tag and content, or of nested values. */
export function encodeDer(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  const length: number[] = [];
  if (body.length < 0x80) length.push(body.length);
  else {
    for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
    length.unshift(0x80 | length.length);
  }
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag, ...length), body]));
}

/** An object identifier such as `1.2.840.113549.1.5.13`. */
export function encodeObjectId(id: string): Uint8Array {
  const [top, second, ...rest] = id.split('.').map(Number) as [number, number, ...number[]];
  const bytes: number[] = [];
  for (const arc of [top * 40 + second, ...rest]) {
    const groups = [arc % 128];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift((rest % 128) | 0x80);
    bytes.push(...groups);
  }
  return encodeDer(DerTag.objectId, Uint8Array.from(bytes));
}

/** The dotted form of an object identifier's value. @throws DecodeError */
export function decodeObjectId(value: DerValue): string {
  const bytes = value.content;
  const last = bytes[bytes.length - 1];
  if (value.tag !== DerTag.objectId || last === undefined || last >= 0x80) throw new DecodeError('not a DER object id');
  const arcs: number[] = [];
  let arc = 0;
  for (const [index, byte] of bytes.entries()) {
    // a group of leading zeros would give one identifier several spellings
    if (byte === 0x80 && (index === 0 || (bytes[index - 1] as number) < 0x80))
      throw new DecodeError('DER object id not minimal');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DecodeError('DER object id out of range');
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const head = arcs[0] as number;
  const top = Math.min(2, Math.floor(head / 40));
  return [top, head - top * 40, ...arcs.slice(1)].join('.');
}

/** A non-negative integer, at most 2^48. @throws DecodeError */
export function decodeDerInteger(value: DerValue): number {
  const bytes = value.content;
  if (value.tag !== DerTag.integer || bytes.length === 0 || bytes.length > 6)
    throw new DecodeError('not a small DER integer');
  if ((bytes[0] as number) >= 0x80) throw new DecodeError('negative DER integer');
  if (bytes.length > 1 && bytes[0] === 0 && (bytes[1] as number) < 0x80)
    throw new DecodeError('DER integer not minimal');
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** A non-negative integer in its shortest form. */
export function encodeDerInteger(value: number): Uint8Array {
  const bytes = [value % 256];
  for (let rest = Math.floor(value / 256); rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  if ((bytes[0] as number) >= 0x80) bytes.unshift(0);
  return encodeDer(DerTag.integer, Uint8Array.from(bytes));
}
