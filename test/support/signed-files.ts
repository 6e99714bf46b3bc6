// SPDX-License-Identifier: Apache-2.0
import { decodeJsonObject, encodeCanonicalJson, type JsonValue } from '../../src/encoding/index.ts';
import { type Dialect, notaryV1, type Signed, tufV1 } from '../../src/tuf/index.ts';
import type { TestKey } from './test-keys.ts';

/** The dialect of the keys: only one has schemes. */
function dialectOf(keys: readonly TestKey[]): Dialect {
  return keys[0]?.listed.scheme === undefined ? notaryV1 : tufV1;
}

/** `signed` as a file that each of `keys` signed. */
export function signedFile(signed: Signed, keys: readonly TestKey[], dialect = dialectOf(keys)): Uint8Array {
  return signedPayload(dialect.encodeSigned(signed), keys, dialect);
}

/** Any canonical bytes as the body of a file that each of `keys` signed: metadata that no publisher would write. */
export function signedPayload(payload: Uint8Array, keys: readonly TestKey[], dialect = dialectOf(keys)): Uint8Array {
  return dialect.encode({ signedBytes: payload, signatures: keys.map((key) => key.sign(payload)) });
}

/** The file with its body changed by `change`, signed anew by `keys`: valid signatures over odd content. */
export function resigned(
  file: Uint8Array,
  change: (body: Map<string, JsonValue>) => void,
  keys: readonly TestKey[],
): Uint8Array {
  const body = structuredBody(file);
  change(body);
  return signedPayload(encodeCanonicalJson(body), keys);
}

/** A copy of a file's body that may be changed at any depth. */
export function structuredBody(file: Uint8Array): Map<string, JsonValue> {
  return copy(decodeJsonObject(file).get('signed') as JsonValue) as Map<string, JsonValue>;
}

function copy(value: JsonValue): JsonValue {
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [key, copy(member)]));
  return Array.isArray(value) ? value.map(copy) : value;
}
