// SPDX-License-Identifier: Apache-2.0
/**
 * The wire format of Notary v1 (reference: docs/notary-v1.md): what its files look like, which root keys may speak for
 * a GUN, how files are named by hash. It decides nothing about trust.
 */
import { encodeHex } from '../../../encoding/index.ts';
import { hash } from '../../crypto.ts';
import type { Dialect } from '../../dialect.ts';
import type { HashAlgorithm, MetaFile } from '../../metadata.ts';
import type { RoleName } from '../../names.ts';
import { decodeCanonical } from './canonical-file.ts';
import { decodeFile, decodePayload } from './decode.ts';
import { encodeFile, encodePayload } from './encode.ts';
import { rootKeys } from './root-keys.ts';

export { readCertificate } from './certificate.ts';
export { decodeKey } from './decode.ts';
export { keyObject } from './encode.ts';

export const notaryV1: Dialect = {
  name: 'notary-v1',
  decode: decodeFile,
  encode: encodeFile,
  decodeSigned: decodePayload,
  encodeSigned: encodePayload,
  decodeCanonical,
  rootKeys,
  mayDelegate,
  fileName,
  pin,
};

/** To its direct children alone, so that nobody can speak in another branch's name. */
function mayDelegate(parent: RoleName, child: RoleName): boolean {
  return child.startsWith(`${parent}/`) && !child.slice(parent.length + 1).includes('/');
}

function fileName(role: RoleName, pinned?: MetaFile): string {
  const sha256 = pinned?.hashes?.get('sha256');
  if (sha256 !== undefined) return `${role}.${encodeHex(sha256)}.json`;
  return pinned?.version === undefined ? `${role}.json` : `${pinned.version}.${role}.json`;
}

/** Notary lists both hashes of every file. */
function pin(file: Uint8Array): MetaFile {
  const algorithms: readonly HashAlgorithm[] = ['sha256', 'sha512'];
  return { length: file.length, hashes: new Map(algorithms.map((algorithm) => [algorithm, hash(algorithm, file)])) };
}
