// SPDX-License-Identifier: Apache-2.0
import {
  canonicalText,
  decodeJsonMembers,
  decodeJsonObject,
  encodeUtf8,
  type JsonObject,
} from '../../../encoding/index.ts';
import type { SignedOf } from '../../dialect.ts';
import { keyId, type PublicKey } from '../../keys.ts';
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
  type TargetFile,
  type Targets,
  type Timestamp,
} from '../../metadata.ts';
import { MetadataError } from '../../metadata-error.ts';
import {
  type KeyId,
  parseKeyId,
  parseRoleName,
  type RoleName,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
} from '../../names.ts';
import {
  arrayField,
  asObject,
  bad,
  booleanField,
  bytesOf,
  type CommonFields,
  commonFields,
  lengthField,
  malformedOnly,
  mapField,
  objectField,
  signatureObjects,
  stringField,
  stringsOf,
  thresholdField,
} from '../fields.ts';

const TYPE_NAMES: Readonly<Record<Signed['type'], string>> = {
  root: 'Root',
  targets: 'Targets',
  snapshot: 'Snapshot',
  timestamp: 'Timestamp',
};

/** Reads a metadata file. An unknown field beside `signed` and `signatures` is refused (S10). */
export function decodeFile<K extends Signed['type']>(kind: K, file: Uint8Array): Envelope<SignedOf<K>> {
  return readFile(kind, file).envelope;
}

/** As {@link decodeFile}, with what stands in the file's body, known or not. */
export function readFile<K extends Signed['type']>(
  kind: K,
  file: Uint8Array,
): { readonly envelope: Envelope<SignedOf<K>>; readonly body: JsonObject } {
  return malformedOnly(() => {
    const members = decodeJsonMembers(file);
    for (const name of members.keys())
      if (name !== 'signed' && name !== 'signatures') throw bad(name.slice(0, 60), 'is an unknown field');
    const signed = members.get('signed');
    const body = asObject(signed?.value, 'signed');
    const envelope = {
      signed: decodeBody(kind, body),
      signedBytes: encodeUtf8(signed?.canonical ?? canonicalText(body)),
      signatures: decodeSignatures(signatureObjects(members.get('signatures')?.value)),
    };
    return { envelope, body };
  });
}

/** Reads a role's body alone, as a signer is sent it. */
export function decodePayload<K extends Signed['type']>(kind: K, payload: Uint8Array): SignedOf<K> {
  return malformedOnly(() => decodeBody(kind, decodeJsonObject(payload)));
}

function decodeSignatures(listed: readonly JsonObject[]): readonly Signature[] {
  return listed.map((signature) => ({
    keyId: parseKeyId(stringField(signature, 'keyid')),
    method: stringField(signature, 'method').toLowerCase(),
    bytes: bytesOf(signature.get('sig'), 'sig'),
  }));
}

const BODIES: { readonly [K in Signed['type']]: (body: JsonObject, common: CommonFields) => SignedOf<K> } = {
  root: decodeRoot,
  targets: decodeTargets,
  snapshot: decodeSnapshot,
  timestamp: decodeTimestamp,
};

function decodeBody<K extends Signed['type']>(kind: K, body: JsonObject): SignedOf<K> {
  const type = stringField(body, '_type');
  if (type !== TYPE_NAMES[kind]) throw bad('_type', `is not ${TYPE_NAMES[kind]}`);
  return BODIES[kind](body, commonFields(body));
}

function decodeRoot(body: JsonObject, common: CommonFields): Root {
  const keys = decodeKeys(mapField(body, 'keys'));
  const listed = objectField(body, 'roles');
  const roles = new Map<TopLevelRole, RoleKeys>();
  for (const role of TOP_LEVEL_ROLES) roles.set(role, decodeRoleKeys(objectField(listed, role), keys));
  return { type: 'root', ...common, keys, roles, consistentSnapshot: booleanField(body, 'consistent_snapshot') };
}

function decodeKeys(listed: JsonObject): ReadonlyMap<KeyId, PublicKey> {
  const keys = new Map<KeyId, PublicKey>();
  for (const [id, value] of listed) {
    const key = decodeKey(asObject(value, 'keys'));
    // an id that is not its key's would let one key pass for several
    if (keyId(key) !== id) throw bad(id.slice(0, 64), 'does not belong to its key');
    keys.set(keyId(key), key);
  }
  return keys;
}

/** A key object such as `{"keytype":"ecdsa","keyval":{"private":null,"public":"…"}}`. @throws MetadataError */
export function decodeKey(object: JsonObject): PublicKey {
  return {
    type: stringField(object, 'keytype'),
    bytes: bytesOf(objectField(object, 'keyval').get('public'), 'public'),
  };
}

function decodeRoleKeys(object: JsonObject, keys: ReadonlyMap<KeyId, PublicKey>): RoleKeys {
  const keyIds = stringsOf(arrayField(object, 'keyids'), 'keyids').map(parseKeyId);
  const unknown = keyIds.find((id) => !keys.has(id));
  if (unknown !== undefined) throw new MetadataError('malformed', `role names key ${unknown}, which is not listed`);
  return { keyIds, threshold: thresholdField(object) };
}

function decodeTargets(body: JsonObject, common: CommonFields): Targets {
  const targets = new Map<string, TargetFile>();
  mapField(body, 'targets').forEach((value, path) => {
    targets.set(path, decodeTarget(asObject(value, 'targets')));
  });
  return { type: 'targets', ...common, targets, delegations: decodeDelegations(objectField(body, 'delegations')) };
}

function decodeTarget(object: JsonObject): TargetFile {
  const hashes = new Map<string, Uint8Array>();
  mapField(object, 'hashes').forEach((value, algorithm) => {
    const bytes = bytesOf(value, 'hashes');
    if (bytes.length !== (HASH_BYTES.get(algorithm) ?? bytes.length)) throw bad(algorithm, 'has a wrong length');
    hashes.set(algorithm, bytes);
  });
  const length = lengthField(object);
  const custom = object.get('custom');
  return custom === undefined ? { length, hashes } : { length, hashes, custom };
}

function decodeDelegations(object: JsonObject): Delegations {
  const keys = decodeKeys(mapField(object, 'keys'));
  const roles = arrayField(object, 'roles').map((value): Delegation => {
    const role = asObject(value, 'roles');
    const paths = role.has('paths') ? stringsOf(arrayField(role, 'paths'), 'paths') : [];
    return { name: parseRoleName(stringField(role, 'name')), paths, ...decodeRoleKeys(role, keys) };
  });
  return { keys, roles };
}

function decodeSnapshot(body: JsonObject, common: CommonFields): Snapshot {
  const meta = new Map<RoleName, MetaFile>();
  for (const [role, value] of mapField(body, 'meta'))
    meta.set(parseRoleName(role), decodeMetaFile(asObject(value, 'meta')));
  for (const role of ['root', 'targets'] as RoleName[]) if (!meta.has(role)) throw bad('meta', `does not list ${role}`);
  return { type: 'snapshot', ...common, meta };
}

function decodeTimestamp(body: JsonObject, common: CommonFields): Timestamp {
  return { type: 'timestamp', ...common, snapshot: decodeMetaFile(objectField(objectField(body, 'meta'), 'snapshot')) };
}

/** A pin needs sha256; algorithms that are unknown pin nothing. */
function decodeMetaFile(object: JsonObject): MetaFile {
  const hashes = new Map<HashAlgorithm, Uint8Array>();
  for (const [algorithm, value] of mapField(object, 'hashes')) {
    const bytes = bytesOf(value, 'hashes');
    const expected = HASH_BYTES.get(algorithm);
    if (expected === undefined) continue;
    if (bytes.length !== expected) throw bad(algorithm, 'has a wrong length');
    hashes.set(algorithm as HashAlgorithm, bytes);
  }
  if (!hashes.has('sha256')) throw bad('hashes', 'has no sha256');
  return { length: lengthField(object), hashes };
}
