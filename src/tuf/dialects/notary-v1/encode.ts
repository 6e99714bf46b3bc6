// SPDX-License-Identifier: Apache-2.0
import {
  canonicalText,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  htmlEscape,
  type JsonValue,
} from '../../../encoding/index.ts';
import type { PublicKey } from '../../keys.ts';
import type { Delegation, Envelope, MetaFile, RoleKeys, Signed } from '../../metadata.ts';
import type { KeyId } from '../../names.ts';
import { formatTime } from '../time.ts';

/** A file as Go writes it: HTML escapes in the body, fixed key order, no white space (reference 2.1). */
export function encodeFile(envelope: Pick<Envelope, 'signedBytes' | 'signatures'>): Uint8Array {
  const signatures = envelope.signatures.map(
    ({ keyId, method, bytes }) =>
      `{"keyid":"${keyId}","method":${htmlEscape(canonicalText(method))},"sig":"${encodeBase64(bytes)}"}`,
  );
  return encodeUtf8(
    `{"signed":${htmlEscape(decodeUtf8(envelope.signedBytes))},"signatures":[${signatures.join(',')}]}`,
  );
}

/** The bytes to sign: canonical JSON of the body. */
export function encodePayload(signed: Signed): Uint8Array {
  return encodeUtf8(canonicalText(bodyOf(signed)));
}

function bodyOf(signed: Signed): JsonValue {
  const common: [string, JsonValue][] = [
    ['expires', formatTime(signed.expires)],
    ['version', signed.version],
  ];
  switch (signed.type) {
    case 'root':
      return new Map<string, JsonValue>([
        ['_type', 'Root'],
        ['consistent_snapshot', signed.consistentSnapshot],
        ['keys', keysOf(signed.keys)],
        ['roles', mapValues(signed.roles, roleKeysOf)],
        ...common,
      ]);
    case 'targets':
      return new Map<string, JsonValue>([
        ['_type', 'Targets'],
        [
          'delegations',
          new Map<string, JsonValue>([
            ['keys', keysOf(signed.delegations.keys)],
            ['roles', signed.delegations.roles.map(delegationOf)],
          ]),
        ],
        ['targets', mapValues(signed.targets, fileOf)],
        ...common,
      ]);
    case 'snapshot':
      return new Map<string, JsonValue>([['_type', 'Snapshot'], ['meta', mapValues(signed.meta, fileOf)], ...common]);
    case 'timestamp':
      return new Map<string, JsonValue>([
        ['_type', 'Timestamp'],
        ['meta', new Map([['snapshot', fileOf(signed.snapshot)]])],
        ...common,
      ]);
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

/** The key object of metadata; `private` is always null, and part of what the key ID covers. */
export function keyObject(key: PublicKey): JsonValue {
  return new Map<string, JsonValue>([
    ['keytype', key.type],
    [
      'keyval',
      new Map<string, JsonValue>([
        ['private', null],
        ['public', encodeBase64(key.bytes)],
      ]),
    ],
  ]);
}

function roleKeysOf({ keyIds, threshold }: RoleKeys): JsonValue {
  return new Map<string, JsonValue>([
    ['keyids', keyIds],
    ['threshold', threshold],
  ]);
}

function delegationOf({ name, paths, keyIds, threshold }: Delegation): JsonValue {
  const role: [string, JsonValue][] = [
    ['keyids', keyIds],
    ['name', name],
  ];
  // Go leaves an empty list out
  if (paths.length > 0) role.push(['paths', paths]);
  return new Map([...role, ['threshold', threshold]]);
}

function fileOf(
  file:
    | { readonly length?: number; readonly hashes?: ReadonlyMap<string, Uint8Array>; readonly custom?: JsonValue }
    | MetaFile,
): JsonValue {
  const object: [string, JsonValue][] = [];
  if ('custom' in file && file.custom !== undefined && file.custom !== null) object.push(['custom', file.custom]);
  object.push(
    ['hashes', mapValues(file.hashes ?? new Map<string, Uint8Array>(), encodeBase64)],
    ['length', file.length ?? 0],
  );
  return new Map(object);
}
