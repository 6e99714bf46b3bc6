// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeHex, encodeUtf8, exactCanonicalText, type JsonValue } from '../../../encoding/index.ts';
import type { PublicKey } from '../../keys.ts';
import type { Delegation, Delegations, Envelope, MetaFile, RoleKeys, Signed, TargetFile } from '../../metadata.ts';
import { type KeyId, ROOT } from '../../names.ts';
import { formatTime } from '../time.ts';
import { jsonOfCanonical } from './canonical.ts';
import { keyObject } from './keys.ts';

/** The version of the specification that is followed (docs/spec.md). */
const SPEC_VERSION = '1.0.34';

/** A file in canonical form throughout: what is signed needs no second spelling. */
export function encodeFile({ signedBytes, signatures }: Pick<Envelope, 'signedBytes' | 'signatures'>): Uint8Array {
  const listed = signatures.map(
    ({ keyId, bytes }) =>
      new Map([
        ['keyid', keyId as string],
        ['sig', encodeHex(bytes)],
      ]),
  );
  return encodeUtf8(
    `{"signatures":${exactCanonicalText(listed)},"signed":${jsonOfCanonical(decodeUtf8(signedBytes))}}`,
  );
}

/** The bytes to sign: canonical JSON of the body. A root is in no snapshot: it is found by its version alone. */
export function encodePayload(signed: Signed): Uint8Array {
  return encodeUtf8(exactCanonicalText(object({ ...bodyOf(signed), ...commonOf(signed) })));
}

type Fields = Readonly<Record<string, JsonValue>>;

function object(fields: Fields): JsonValue {
  return new Map(Object.entries(fields));
}

function commonOf(signed: Signed): Fields {
  const expires = formatTime(new Date(Math.floor(signed.expires.getTime() / 1000) * 1000));
  return { _type: signed.type, spec_version: SPEC_VERSION, version: signed.version, expires };
}

function bodyOf(signed: Signed): Fields {
  switch (signed.type) {
    case 'root':
      return {
        consistent_snapshot: signed.consistentSnapshot,
        keys: keysOf(signed.keys),
        roles: mapValues(signed.roles, (role) => object(roleKeysOf(role))),
      };
    case 'targets':
      return { targets: mapValues(signed.targets, targetOf), ...delegationsOf(signed.delegations) };
    case 'snapshot':
      return {
        meta: new Map([...signed.meta].flatMap(([role, pin]) => (role === ROOT ? [] : [[`${role}.json`, pinOf(pin)]]))),
      };
    case 'timestamp':
      return { meta: object({ 'snapshot.json': pinOf(signed.snapshot) }) };
    default:
      return signed satisfies never;
  }
}

function mapValues<V>(map: ReadonlyMap<string, V>, convert: (value: V) => JsonValue): JsonValue {
  return new Map([...map].map(([key, value]) => [key, convert(value)]));
}

function keysOf(keys: ReadonlyMap<KeyId, PublicKey>): JsonValue {
  return mapValues(keys, keyObject);
}

function roleKeysOf({ keyIds, threshold }: RoleKeys): Fields {
  return { keyids: keyIds, threshold };
}

function hashesOf(hashes: ReadonlyMap<string, Uint8Array>): JsonValue {
  return mapValues(hashes, encodeHex);
}

function targetOf({ length, hashes, custom }: TargetFile): JsonValue {
  return object({ length, hashes: hashesOf(hashes), ...(custom === undefined ? {} : { custom }) });
}

function pinOf({ version, length, hashes }: MetaFile): JsonValue {
  return object({
    ...(version === undefined ? {} : { version }),
    ...(length === undefined ? {} : { length }),
    ...(hashes === undefined ? {} : { hashes: hashesOf(hashes) }),
  });
}

function delegationsOf({ keys, roles, succinct }: Delegations): Fields {
  if (succinct !== undefined) {
    const { bits, namePrefix } = succinct;
    const bins = object({ ...roleKeysOf(succinct), bit_length: bits, name_prefix: namePrefix });
    return { delegations: object({ keys: keysOf(keys), succinct_roles: bins }) };
  }
  if (roles.length === 0) return {};
  return { delegations: object({ keys: keysOf(keys), roles: roles.map(delegationOf) }) };
}

/** A prefix has no spelling in this format, so who makes such a delegation has patterns or hashes. */
function delegationOf(role: Delegation): JsonValue {
  const byHash = role.hashPrefixes !== undefined && role.hashPrefixes.length > 0;
  return object({
    name: role.name,
    ...roleKeysOf(role),
    terminating: role.terminating ?? false,
    ...(byHash ? { path_hash_prefixes: role.hashPrefixes ?? [] } : { paths: role.patterns ?? [] }),
  });
}
