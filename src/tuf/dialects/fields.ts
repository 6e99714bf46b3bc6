// SPDX-License-Identifier: Apache-2.0
import { DecodeError, decodeBase64, type JsonObject, type JsonValue, quoteText } from '../../encoding/index.ts';
import { MetadataError } from '../metadata-error.ts';
import { parseVersion, type Version } from '../names.ts';
import { parseTime } from './time.ts';

/** Readers of one JSON field each; all throw MetadataError `malformed` that names the field. */

export function objectField(object: JsonObject, name: string): JsonObject {
  return asObject(object.get(name), name);
}

/** As {@link objectField}; Go writes an absent map as null, which counts as empty. */
export function mapField(object: JsonObject, name: string): JsonObject {
  const value = object.get(name);
  return value === null ? new Map() : asObject(value, name);
}

export function asObject(value: JsonValue | undefined, name: string): JsonObject {
  if (!(value instanceof Map)) throw bad(name, 'is not an object');
  return value;
}

/** Go writes an absent array as null, which counts as empty. */
export function arrayField(object: JsonObject, name: string): readonly JsonValue[] {
  return asArray(object.get(name), name);
}

export function asArray(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw bad(name, 'is not an array');
  return value;
}

export function stringField(object: JsonObject, name: string): string {
  const value = object.get(name);
  if (typeof value !== 'string') throw bad(name, 'is not a string');
  return value;
}

export function integerField(object: JsonObject, name: string): number {
  const value = object.get(name);
  if (typeof value !== 'number') throw bad(name, 'is not an integer');
  return value;
}

export function lengthField(object: JsonObject): number {
  const length = integerField(object, 'length');
  if (length < 0) throw bad('length', 'is negative');
  return length;
}

export function thresholdField(object: JsonObject): number {
  const threshold = integerField(object, 'threshold');
  // S16: zero or a negative number of signatures would mean none
  if (threshold < 1) throw bad('threshold', 'is below 1');
  return threshold;
}

/** What every role's body has. */
export interface CommonFields {
  readonly version: Version;
  readonly expires: Date;
}

export function commonFields(body: JsonObject): CommonFields {
  return { version: parseVersion(body.get('version')), expires: parseTime(stringField(body, 'expires')) };
}

/** More signatures than any role can need; the rest would only cost time (S23). */
const MAX_SIGNATURES = 256;

export function signatureObjects(value: JsonValue | undefined): readonly JsonObject[] {
  const values = asArray(value, 'signatures');
  if (values.length > MAX_SIGNATURES) throw bad('signatures', `has more than ${MAX_SIGNATURES} entries`);
  return values.map((signature) => asObject(signature, 'signatures'));
}

export function booleanField(object: JsonObject, name: string): boolean {
  const value = object.get(name);
  if (typeof value !== 'boolean') throw bad(name, 'is not a boolean');
  return value;
}

export function bytesOf(value: JsonValue | undefined, name: string): Uint8Array {
  if (typeof value !== 'string') throw bad(name, 'is not base64 text');
  try {
    return decodeBase64(value);
  } catch (cause) {
    if (cause instanceof DecodeError) throw bad(name, 'is not strict base64');
    throw cause;
  }
}

export function stringsOf(values: readonly JsonValue[], name: string): readonly string[] {
  return values.map((value) => {
    if (typeof value !== 'string') throw bad(name, 'holds something other than strings');
    return value;
  });
}

export function bad(name: string, what: string): MetadataError {
  return new MetadataError('malformed', `${quoteText(name)} ${what}`);
}

/** Runs a reader: what is no JSON is as malformed as what is no metadata. @throws MetadataError `malformed` */
export function malformedOnly<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof DecodeError) throw new MetadataError('malformed', cause.message, { cause });
    throw cause;
  }
}
