// SPDX-License-Identifier: Apache-2.0
import { decodeJson, encodeCanonicalJson } from '../../../src/encoding/index.ts';
import { type Dialect, keyId, kindOf, MetadataError, type Signed } from '../../../src/tuf/index.ts';
import { vectorRepositories } from '../../support/vectors.ts';
import { type FuzzTarget, holds } from '../fuzz-target.ts';

const KINDS: readonly Signed['type'][] = ['root', 'targets', 'snapshot', 'timestamp'];

/** Sound files of a kind. */
export type FilesOfKind = (kind: Signed['type']) => readonly Uint8Array[];

/** What the original programs wrote; the long ones would only make everything slow. */
export function notaryFiles(kind: Signed['type']): readonly Uint8Array[] {
  const files = vectorRepositories().flatMap((repository) => repository.files);
  return files.filter(({ role, bytes }) => kindOf(role) === kind && bytes.length < 8000).map(({ bytes }) => bytes);
}

/** One target for each kind of file of a dialect. */
export function fuzzDialect(dialect: Dialect, files: FilesOfKind): readonly FuzzTarget[] {
  return KINDS.map((kind) => ({
    name: `${dialect.name}-${kind}`,
    corpus: () => files(kind),
    refusals: [MetadataError],
    read: (input) => readMetadata(dialect, kind, input),
  }));
}

function readMetadata(dialect: Dialect, kind: Signed['type'], input: Uint8Array): void {
  const envelope = dialect.decode(kind, input);
  const written = dialect.encode(envelope);
  const again = dialect.decode(kind, written);
  holds(sameBytes(again.signedBytes, envelope.signedBytes), 'what is signed stays the same');
  holds(sameBytes(dialect.encode(again), written), 'a file is read as it was written');
  holds(again.signatures.length === envelope.signatures.length, 'no signature is lost');
  const payload = dialect.decodeSigned(kind, envelope.signedBytes);
  holds(payload.version === envelope.signed.version, 'a signer sees what a verifier sees');
  holds(sameBytes(encodeCanonicalJson(decodeJson(envelope.signedBytes)), envelope.signedBytes), 'it is canonical');
  checkKeys(envelope.signed);
  const rewritten = dialect.encodeSigned(envelope.signed);
  holds(
    sameBytes(dialect.encodeSigned(dialect.decodeSigned(kind, rewritten)), rewritten),
    'what is read can be written and read again',
  );
  if (isCanonical(dialect, kind, input)) holds(sameBytes(written, input), 'a canonical file has one spelling');
}

function checkKeys(signed: Signed): void {
  if (signed.type !== 'root') return;
  for (const [id, key] of signed.keys) holds(keyId(key) === id, 'a key stands under its own ID');
  for (const { threshold, keyIds } of signed.roles.values())
    holds(threshold >= 1 && keyIds.every((id) => signed.keys.has(id)), 'a role has its keys');
}

function isCanonical(dialect: Dialect, kind: Signed['type'], input: Uint8Array): boolean {
  try {
    dialect.assertCanonicalFile(kind, input);
    return true;
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
