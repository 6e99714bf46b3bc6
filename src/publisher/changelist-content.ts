// SPDX-License-Identifier: Apache-2.0
import {
  canonicalText,
  compareUtf8,
  DecodeError,
  decodeBase64,
  decodeJsonObject,
  encodeBase64,
  encodeUtf8,
  htmlEscape,
  JsonNumber,
  type JsonObject,
  type JsonValue,
} from '../encoding/index.ts';
import { decodeKeyObject, type KeyId, MetadataError, type PublicKey, type TargetFile } from '../tuf/index.ts';
import { type Change, ChangelistError } from './changelist.ts';

/** What a staged change does to a delegation. */
export interface DelegationContent {
  readonly threshold?: number;
  readonly addKeys?: readonly PublicKey[];
  /** Canonical IDs; ones that the role does not have are passed over. */
  readonly removeKeys?: readonly KeyId[];
  readonly addPaths?: readonly string[];
  readonly removePaths?: readonly string[];
  readonly clearPaths?: boolean;
}

/** Every direct delegation of every role. */
const ALL_DELEGATIONS = 'targets/*';

export function targetAddition(role: string, path: string, target: TargetFile): Change {
  const hashes = [...target.hashes].sort(([a], [b]) => (a < b ? -1 : 1));
  const custom: [string, JsonValue][] = target.custom === undefined ? [] : [['custom', sorted(target.custom)]];
  const content: JsonObject = new Map<string, JsonValue>([
    ['length', target.length],
    ['hashes', new Map(hashes.map(([algorithm, bytes]) => [algorithm, encodeBase64(bytes)]))],
    ...custom,
  ]);
  return { action: 'create', role, type: 'target', path, data: document(content) };
}

export function targetRemoval(role: string, path: string): Change {
  return { action: 'delete', role, type: 'target', path };
}

/** New or more keys, then new or more paths: two changes, as Notary writes them. */
export function delegationAdditions(
  role: string,
  keys: readonly PublicKey[],
  paths: readonly string[],
): readonly Change[] {
  const withKeys = delegationChange('create', role, { threshold: 1, addKeys: keys });
  const withPaths = delegationChange('create', role, { addPaths: paths });
  return [...(keys.length > 0 ? [withKeys] : []), ...(paths.length > 0 ? [withPaths] : [])];
}

/** Fewer paths, then fewer keys. */
export function delegationReductions(
  role: string,
  keyIds: readonly string[],
  paths: readonly string[] | 'all',
): readonly Change[] {
  const changes: Change[] = [];
  if (paths === 'all') changes.push(delegationChange('update', role, { clearPaths: true }));
  else if (paths.length > 0) changes.push(delegationChange('update', role, { removePaths: paths }));
  if (keyIds.length > 0) changes.push(delegationChange('update', role, { removeKeys: keyIds as readonly KeyId[] }));
  return changes;
}

export function delegationRemoval(role: string): Change {
  return { action: 'delete', role, type: 'delegation', path: '' };
}

/** Takes keys out of all delegations below `role`, written `targets/*` or `targets/a/*`. */
export function keyPurge(keyIds: readonly string[], role = ALL_DELEGATIONS): Change {
  return delegationChange('update', role, { removeKeys: keyIds as readonly KeyId[] });
}

export function witnessing(role: string): Change {
  return { action: 'update', role, type: 'witness', path: '' };
}

function delegationChange(action: 'create' | 'update', role: string, content: DelegationContent): Change {
  const fields: [string, JsonValue][] = [];
  if (content.threshold !== undefined) fields.push(['threshold', content.threshold]);
  if (content.addKeys !== undefined) fields.push(['add_keys', content.addKeys.map(plainKey)]);
  if (content.removeKeys !== undefined) fields.push(['remove_keys', content.removeKeys]);
  if (content.addPaths !== undefined) fields.push(['add_paths', content.addPaths]);
  if (content.removePaths !== undefined) fields.push(['remove_paths', content.removePaths]);
  if (content.clearPaths) fields.push(['clear_paths', true]);
  return { action, role, type: 'delegation', path: '', data: document(new Map(fields)) };
}

/** A key in plain, not canonical form: `public` comes before `private` (reference 5.1). */
function plainKey(key: PublicKey): JsonValue {
  return new Map<string, JsonValue>([
    ['keytype', key.type],
    [
      'keyval',
      new Map<string, JsonValue>([
        ['public', encodeBase64(key.bytes)],
        ['private', null],
      ]),
    ],
  ]);
}

function document(content: JsonValue): Uint8Array {
  return encodeUtf8(htmlEscape(jsonText(content)));
}

/** With its members in canonical order: the original signs custom data as it is spelled, and verifies it as canonical. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(sorted);
  if (!(value instanceof Map)) return value;
  const members = [...(value as JsonObject)].sort(([a], [b]) => compareUtf8(a, b));
  return new Map(members.map(([name, member]) => [name, sorted(member)]));
}

/** Plain JSON without white space; members keep their order. */
function jsonText(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text;
  if (value instanceof Map)
    return `{${[...(value as JsonObject)].map(([name, entry]) => `${JSON.stringify(name)}:${jsonText(entry)}`).join(',')}}`;
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(jsonText).join(',')}]`;
  return JSON.stringify(value);
}

/** @throws ChangelistError `malformed` */
export function decodeTargetContent(change: Change): TargetFile {
  return read(change, ['length', 'hashes', 'custom'], (content) => {
    const [length, hashes, custom] = [content.get('length'), content.get('hashes'), content.get('custom')];
    if (typeof length !== 'number' || length < 0) throw new DecodeError('length is no size');
    if (!(hashes instanceof Map) || hashes.size === 0) throw new DecodeError('no hashes');
    const decoded = new Map(
      [...(hashes as JsonObject)].map(([algorithm, value]) => [algorithm, hashOf(algorithm, value)]),
    );
    // a fraction cannot be signed: refused here, before anything is edited
    canonicalText(custom ?? null);
    return custom === undefined || custom === null ? { length, hashes: decoded } : { length, hashes: decoded, custom };
  });
}

const HASH_BYTES: Readonly<Record<string, number>> = { sha256: 32, sha512: 64 };

function hashOf(algorithm: string, value: JsonValue): Uint8Array {
  const bytes = decodeBase64(typeof value === 'string' ? value : '');
  if (bytes.length !== (HASH_BYTES[algorithm] ?? -1)) throw new DecodeError('hash of a wrong kind or length');
  return bytes;
}

/** @throws ChangelistError `malformed` */
export function decodeDelegationContent(change: Change): DelegationContent {
  const fields = ['threshold', 'add_keys', 'remove_keys', 'add_paths', 'remove_paths', 'clear_paths'];
  return read(change, fields, (content) => {
    const threshold = content.get('threshold');
    if (threshold !== undefined && typeof threshold !== 'number') throw new DecodeError('threshold is no number');
    const clearPaths = content.get('clear_paths') ?? false;
    if (typeof clearPaths !== 'boolean') throw new DecodeError('clear_paths is no boolean');
    return {
      ...(threshold === undefined ? {} : { threshold }),
      addKeys: list(content, 'add_keys').map(keyOf),
      removeKeys: texts(content, 'remove_keys') as readonly KeyId[],
      addPaths: texts(content, 'add_paths'),
      removePaths: texts(content, 'remove_paths'),
      clearPaths,
    };
  });
}

function keyOf(value: JsonValue): PublicKey {
  if (!(value instanceof Map)) throw new DecodeError('key is no object');
  return decodeKeyObject(value as JsonObject);
}

function texts(content: JsonObject, name: string): readonly string[] {
  return list(content, name).map((value) => {
    if (typeof value !== 'string') throw new DecodeError(`${name} holds something other than texts`);
    return value;
  });
}

function list(content: JsonObject, name: string): readonly JsonValue[] {
  const value = content.get(name) ?? [];
  if (!Array.isArray(value)) throw new DecodeError(`${name} is no list`);
  return value;
}

function read<T>(change: Change, fields: readonly string[], decode: (content: JsonObject) => T): T {
  try {
    if (change.data === undefined) throw new DecodeError('no data');
    const content = decodeJsonObject(change.data);
    // what is not understood must not be left out of what is signed
    if ([...content.keys()].some((name) => !fields.includes(name))) throw new DecodeError('unknown field');
    return decode(content);
  } catch (cause) {
    if (!(cause instanceof DecodeError) && !(cause instanceof MetadataError)) throw cause;
    const what = `staged ${change.action} of ${change.type} cannot be read: ${cause.message}`;
    throw new ChangelistError('malformed', what, { role: change.role, cause });
  }
}
