// SPDX-License-Identifier: Apache-2.0
/**
 * The wire format of TUF 1.0: hex hashes, keys that state their scheme, pins by version, files named by version. It
 * decides nothing about trust.
 */
import { hash } from '../../crypto.ts';
import type { Dialect } from '../../dialect.ts';
import type { PublicKey } from '../../keys.ts';
import type { MetaFile, Root } from '../../metadata.ts';
import { isTopLevel, type KeyId, type RoleName } from '../../names.ts';
import { decodeFile, decodePayload, decodeVersion } from './decode.ts';
import { encodeFile, encodePayload } from './encode.ts';
import { fileName } from './names.ts';

export { encodeName } from './names.ts';

export const tufV1: Dialect = {
  name: 'tuf-v1',
  decode: decodeFile,
  encode: encodeFile,
  decodeSigned: decodePayload,
  encodeSigned: encodePayload,
  // files are referred to as they came, so any well-formed spelling does
  decodeCanonical: decodeFile,
  rootKeys,
  mayDelegate,
  fileName,
  pin,
};

/** The keys that the root lists for itself: nothing in them names a collection or a time. */
function rootKeys(root: Root): ReadonlyMap<KeyId, PublicKey> {
  const listed = root.roles.get('root')?.keyIds ?? [];
  return new Map(listed.flatMap((id) => (root.keys.has(id) ? [[id, root.keys.get(id) as PublicKey] as const] : [])));
}

/** Any role to any other, in whatever graph: who is asked for a path is decided by the search. */
function mayDelegate(_parent: RoleName, child: RoleName): boolean {
  return !isTopLevel(child);
}

/** By version, and by hash as well: a file that was replaced without a new version is noticed. */
function pin(file: Uint8Array): MetaFile {
  return {
    version: decodeVersion(file),
    length: file.length,
    hashes: new Map([['sha256', hash('sha256', file)]]),
  };
}
