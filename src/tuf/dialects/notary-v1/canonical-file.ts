// SPDX-License-Identifier: Apache-2.0
import { equalBytes, type JsonObject } from '../../../encoding/index.ts';
import type { SignedOf } from '../../dialect.ts';
import type { Envelope, Signed } from '../../metadata.ts';
import { MetadataError } from '../../metadata-error.ts';
import { arrayField, asObject, bad, mapField, objectField } from '../fields.ts';
import { isGoTime } from '../time.ts';
import { readFile } from './decode.ts';
import { encodeFile } from './encode.ts';

/**
 * Reads a file that Go would write with these very bytes. The original server hashes its own re-serialisation, so a file
 * with white space, an unknown field or a time such as `…10.120Z` is accepted there and can never be read again
 * (reference 2.4); whoever takes our database or our files over would meet that.
 * @throws MetadataError `malformed`
 */
export function decodeCanonical<K extends Signed['type']>(kind: K, file: Uint8Array): Envelope<SignedOf<K>> {
  const { envelope, body } = readFile(kind, file);
  if (!equalBytes(encodeFile(envelope), file)) {
    throw new MetadataError('malformed', 'file is not in canonical form: white space, key order or escapes differ');
  }
  const expires = body.get('expires');
  if (typeof expires !== 'string' || !isGoTime(expires)) throw bad('expires', 'has trailing zeros or +00:00, write Z');
  switch (kind) {
    case 'root':
      exactly(body, ['_type', 'consistent_snapshot', 'expires', 'keys', 'roles', 'version']);
      for (const role of mapField(body, 'roles').values()) exactly(asObject(role, 'roles'), ['keyids', 'threshold']);
      keysExactly(mapField(body, 'keys'));
      break;
    case 'targets':
      exactly(body, ['_type', 'delegations', 'expires', 'targets', 'version']);
      filesExactly(mapField(body, 'targets'));
      delegationsExactly(objectField(body, 'delegations'));
      break;
    case 'snapshot':
    case 'timestamp':
      exactly(body, ['_type', 'expires', 'meta', 'version']);
      filesExactly(mapField(body, 'meta'));
      break;
    default:
      kind satisfies never;
  }
  return envelope;
}

function delegationsExactly(delegations: JsonObject): void {
  exactly(delegations, ['keys', 'roles']);
  keysExactly(mapField(delegations, 'keys'));
  for (const value of arrayField(delegations, 'roles')) {
    const role = asObject(value, 'roles');
    exactly(role, ['keyids', 'name', 'threshold'], ['paths']);
    if (role.has('paths') && arrayField(role, 'paths').length === 0) throw bad('paths', 'is empty, leave it out');
  }
}

function keysExactly(keys: JsonObject): void {
  for (const value of keys.values()) {
    const key = asObject(value, 'keys');
    exactly(key, ['keytype', 'keyval']);
    exactly(objectField(key, 'keyval'), ['private', 'public']);
    if (objectField(key, 'keyval').get('private') !== null) throw bad('private', 'is not null');
  }
}

function filesExactly(files: JsonObject): void {
  for (const value of files.values()) {
    const file = asObject(value, 'length');
    exactly(file, ['hashes', 'length'], ['custom']);
    if (file.get('custom') === null) throw bad('custom', 'is null, leave it out');
  }
}

function exactly(object: JsonObject, required: readonly string[], optional: readonly string[] = []): void {
  const missing = required.find((name) => object.get(name) === undefined);
  if (missing !== undefined) throw bad(missing, 'is missing');
  const unknown = [...object.keys()].find((name) => !required.includes(name) && !optional.includes(name));
  if (unknown !== undefined) throw bad(unknown.slice(0, 60), 'is an unknown field');
}
