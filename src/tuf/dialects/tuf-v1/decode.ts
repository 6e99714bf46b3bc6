// SPDX-License-Identifier: Apache-2.0
import {
  DecodeError,
  decodeHex,
  decodeJsonMembers,
  decodeJsonObject,
  decodeUtf8,
  encodeUtf8,
  exactCanonicalText,
  type JsonObject,
} from '../../../encoding/index.ts';
import type { SignedOf } from '../../dialect.ts';
import type { PublicKey } from '../../keys.ts';
import {
  type Delegation,
  type Delegations,
  type Envelope,
  HASH_BYTES,
  type HashAlgorithm,
  type MetaFile,
  type RoleKeys,
  type Root,
  type Signature,
  type Signed,
  type Snapshot,
  type SuccinctRoles,
  type TargetFile,
  type Targets,
  type Timestamp,
} from '../../metadata.ts';
import {
  isTopLevel,
  type KeyId,
  parseVersion,
  type RoleName,
  TARGETS,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
  type Version,
} from '../../names.ts';
import {
  asArray,
  asObject,
  bad,
  booleanField,
  type CommonFields,
  commonFields,
  integerField,
  lengthField,
  malformedOnly,
  objectField,
  signatureObjects,
  stringField,
  stringsOf,
  thresholdField,
} from '../fields.ts';
import { jsonOfCanonical } from './canonical.ts';
import { decodeKey } from './keys.ts';
import { parseDelegatedName } from './names.ts';

const SPEC_VERSION = /^1\.\d{1,9}(?:\.\d{1,9})?$/;
const MAX_KEY_ID = 1024;

/** Reads a metadata file. Fields that are unknown say nothing here, and are part of what signatures cover (section 4). */
export function decodeFile<K extends Signed['type']>(kind: K, file: Uint8Array): Envelope<SignedOf<K>> {
  return malformedOnly(() => {
    const members = decodeJsonMembers(file);
    const signed = members.get('signed');
    const body = asObject(signed?.value, 'signed');
    return {
      signed: decodeBody(kind, body),
      signedBytes: encodeUtf8(signed?.canonical ?? exactCanonicalText(body)),
      signatures: decodeSignatures(signatureObjects(members.get('signatures')?.value)),
    };
  });
}

/** Reads a role's body alone, as a signer is sent it. */
export function decodePayload<K extends Signed['type']>(kind: K, payload: Uint8Array): SignedOf<K> {
  return malformedOnly(() => decodeBody(kind, decodeJsonObject(encodeUtf8(jsonOfCanonical(decodeUtf8(payload))))));
}

/** The version that a file of any kind states. */
export function decodeVersion(file: Uint8Array): Version {
  return malformedOnly(() => parseVersion(objectField(decodeJsonObject(file), 'signed').get('version')));
}

/** 4.2: key IDs are unique among signatures. What is no hex is no signature; others may still reach the threshold. */
function decodeSignatures(listed: readonly JsonObject[]): readonly Signature[] {
  const signatures = new Map<KeyId, Signature>();
  for (const signature of listed) {
    const keyId = parseKeyName(stringField(signature, 'keyid'));
    if (signatures.has(keyId)) throw bad('signatures', 'has two entries of one key');
    signatures.set(keyId, { keyId, method: '', bytes: hexOf(stringField(signature, 'sig')) ?? new Uint8Array() });
  }
  return [...signatures.values()];
}

/**
 * A key ID is a name within its file. It should be the hash of its key, yet repositories in use change fields of keys and
 * keep their IDs; what is counted are public keys, so a name gains nobody a second vote (S15).
 */
function parseKeyName(text: string): KeyId {
  if (text === '' || text.length > MAX_KEY_ID) throw bad('keyid', 'is empty or too long');
  return text as KeyId;
}

function hexOf(text: string): Uint8Array | undefined {
  try {
    return decodeHex(text.toLowerCase());
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const BODIES: { readonly [K in Signed['type']]: (body: JsonObject, common: CommonFields) => SignedOf<K> } = {
  root: decodeRoot,
  targets: decodeTargets,
  snapshot: decodeSnapshot,
  timestamp: decodeTimestamp,
};

function decodeBody<K extends Signed['type']>(kind: K, body: JsonObject): SignedOf<K> {
  if (stringField(body, '_type') !== kind) throw bad('_type', `is not ${kind}`);
  if (!SPEC_VERSION.test(stringField(body, 'spec_version'))) throw bad('spec_version', 'is not 1.x');
  return BODIES[kind](body, commonFields(body));
}

function decodeRoot(body: JsonObject, common: CommonFields): Root {
  const listed = objectField(body, 'roles');
  const roles = new Map<TopLevelRole, RoleKeys>();
  for (const role of TOP_LEVEL_ROLES) roles.set(role, decodeRoleKeys(objectField(listed, role)));
  const consistentSnapshot = body.has('consistent_snapshot') && booleanField(body, 'consistent_snapshot');
  return { type: 'root', ...common, keys: decodeKeys(objectField(body, 'keys')), roles, consistentSnapshot };
}

function decodeKeys(listed: JsonObject): ReadonlyMap<KeyId, PublicKey> {
  return new Map([...listed].map(([id, value]) => [parseKeyName(id), decodeKey(asObject(value, 'keys'))]));
}

function decodeRoleKeys(object: JsonObject): RoleKeys {
  const keyIds = stringsOf(asArray(object.get('keyids'), 'keyids'), 'keyids').map(parseKeyName);
  return { keyIds, threshold: thresholdField(object) };
}

function decodeTargets(body: JsonObject, common: CommonFields): Targets {
  const targets = new Map<string, TargetFile>();
  for (const [path, value] of objectField(body, 'targets')) targets.set(path, decodeTarget(asObject(value, 'targets')));
  const delegations: Delegations = body.has('delegations')
    ? decodeDelegations(objectField(body, 'delegations'))
    : { keys: new Map(), roles: [] };
  return { type: 'targets', ...common, targets, delegations };
}

/** Hashes of algorithms that are unknown are left out: they prove nothing to us. */
function decodeHashes(object: JsonObject): ReadonlyMap<HashAlgorithm, Uint8Array> {
  const hashes = new Map<HashAlgorithm, Uint8Array>();
  for (const [algorithm, value] of object) {
    if (typeof value !== 'string') throw bad('hashes', 'holds something other than strings');
    const expected = HASH_BYTES.get(algorithm);
    if (expected === undefined) continue;
    const bytes = hexOf(value);
    if (bytes?.length !== expected) throw bad(algorithm, 'is no hex or has a wrong length');
    hashes.set(algorithm as HashAlgorithm, bytes);
  }
  return hashes;
}

function decodeTarget(object: JsonObject): TargetFile {
  const file = { length: lengthField(object), hashes: decodeHashes(objectField(object, 'hashes')) };
  const custom = object.get('custom');
  return custom === undefined ? file : { ...file, custom };
}

function decodeDelegations(object: JsonObject): Delegations {
  const keys = decodeKeys(objectField(object, 'keys'));
  if (object.has('roles') && object.has('succinct_roles')) throw bad('succinct_roles', 'stands beside roles');
  if (object.has('succinct_roles'))
    return { keys, roles: [], succinct: decodeSuccinct(objectField(object, 'succinct_roles')) };
  return {
    keys,
    roles: asArray(object.get('roles'), 'roles').map((value) => decodeDelegation(asObject(value, 'roles'))),
  };
}

function decodeDelegation(role: JsonObject): Delegation {
  const strings = (name: string) => (role.has(name) ? stringsOf(asArray(role.get(name), name), name) : []);
  if (role.has('paths') && role.has('path_hash_prefixes')) throw bad('path_hash_prefixes', 'stands beside paths');
  return {
    name: parseDelegatedName(stringField(role, 'name')),
    ...decodeRoleKeys(role),
    paths: [],
    patterns: strings('paths'),
    hashPrefixes: strings('path_hash_prefixes'),
    terminating: role.has('terminating') && booleanField(role, 'terminating'),
  };
}

function decodeSuccinct(object: JsonObject): SuccinctRoles {
  const bits = integerField(object, 'bit_length');
  if (bits < 1 || bits > 32) throw bad('bit_length', 'is not from 1 to 32');
  const namePrefix = stringField(object, 'name_prefix');
  parseDelegatedName(`${namePrefix}-${'0'.repeat(8)}`);
  return { ...decodeRoleKeys(object), bits, namePrefix };
}

const SUFFIX = '.json';

/** A snapshot is about targets roles: some repositories still list a root of long ago, which pins nothing. */
function decodeSnapshot(body: JsonObject, common: CommonFields): Snapshot {
  const meta = new Map<RoleName, MetaFile>();
  for (const [name, value] of objectField(body, 'meta')) {
    if (!name.endsWith(SUFFIX)) throw bad('meta', 'lists a file that is no .json');
    const role = name.slice(0, -SUFFIX.length);
    if (isTopLevel(role) && role !== TARGETS) continue;
    meta.set(isTopLevel(role) ? role : parseDelegatedName(role), decodeMetaFile(asObject(value, 'meta')));
  }
  return { type: 'snapshot', ...common, meta };
}

function decodeTimestamp(body: JsonObject, common: CommonFields): Timestamp {
  const snapshot = decodeMetaFile(objectField(objectField(body, 'meta'), 'snapshot.json'));
  return { type: 'timestamp', ...common, snapshot };
}

/** A pin needs the version; hashes that are stated and cannot be checked are no reason to skip the check. */
function decodeMetaFile(object: JsonObject): MetaFile {
  const pin: { version: Version; length?: number; hashes?: ReadonlyMap<HashAlgorithm, Uint8Array> } = {
    version: parseVersion(object.get('version')),
  };
  if (object.has('length')) pin.length = lengthField(object);
  if (object.has('hashes')) {
    pin.hashes = decodeHashes(objectField(object, 'hashes'));
    if (pin.hashes.size === 0) throw bad('hashes', 'has neither sha256 nor sha512');
  }
  return pin;
}
