// SPDX-License-Identifier: Apache-2.0
import { decodeJson, encodeCanonicalJson } from '../../../src/encoding/index.ts';
import {
  type Dialect,
  type Envelope,
  keyId,
  kindOf,
  MetadataError,
  notaryV1,
  type RoleKeys,
  type Signed,
  tufV1,
} from '../../../src/tuf/index.ts';
import { RepositorySimulator } from '../../support/repository-simulator.ts';
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

const simulated = (await RepositorySimulator.create({ dialect: tufV1 })).delegate('targets/a', { paths: ['a/*'] });
simulated.tag('a/1', 'one', 'targets/a').tag('v1').publish();
await simulated.rotate('root');
simulated.publish();

/** What our own simulator writes. */
export function simulatedFiles(kind: Signed['type']): readonly Uint8Array[] {
  return [...simulated.served].filter(([name]) => kindOfFile(name) === kind).map(([, file]) => file);
}

/** `3.targets%2Fa.json` is a targets file. */
function kindOfFile(name: string): Signed['type'] {
  return KINDS.find((kind) => name.includes(kind)) ?? 'targets';
}

/**
 * One target for each kind of file of a dialect.
 * @param more what a dialect promises beyond what all do
 */
export function fuzzDialect(dialect: Dialect, files: FilesOfKind, more: Promises = () => {}): readonly FuzzTarget[] {
  return KINDS.map((kind) => ({
    name: `${dialect.name}-${kind}`,
    corpus: () => files(kind),
    refusals: [MetadataError],
    read: (input) => {
      const envelope = readMetadata(dialect, kind, input);
      more(kind, input, envelope);
    },
  }));
}

type Promises = (kind: Signed['type'], input: Uint8Array, envelope: Envelope) => void;

function readMetadata(dialect: Dialect, kind: Signed['type'], input: Uint8Array): Envelope {
  const envelope = dialect.decode(kind, input);
  for (const { threshold } of rolesOf(envelope.signed)) holds(threshold >= 1, 'a role needs a signature');
  const written = dialect.encode(envelope);
  const again = dialect.decode(kind, written);
  holds(sameBytes(again.signedBytes, envelope.signedBytes), 'what is signed stays the same');
  holds(sameBytes(dialect.encode(again), written), 'a file is read as it was written');
  holds(again.signatures.length === envelope.signatures.length, 'no signature is lost');
  const payload = dialect.decodeSigned(kind, envelope.signedBytes);
  holds(payload.version === envelope.signed.version, 'a signer sees what a verifier sees');
  const rewritten = dialect.encodeSigned(envelope.signed);
  holds(
    sameBytes(dialect.encodeSigned(dialect.decodeSigned(kind, rewritten)), rewritten),
    'what is read can be written and read again',
  );
  return envelope;
}

function rolesOf(signed: Signed): readonly RoleKeys[] {
  if (signed.type === 'root') return [...signed.roles.values()];
  return signed.type === 'targets' ? signed.delegations.roles : [];
}

/** Notary's dialect has one spelling for a file, and one ID for a key. */
export function notaryPromises(
  kind: Signed['type'],
  input: Uint8Array,
  { signed, signedBytes, ...rest }: Envelope,
): void {
  holds(sameBytes(encodeCanonicalJson(decodeJson(signedBytes)), signedBytes), 'what is signed is canonical');
  checkKeys(signed);
  if (isCanonical(notaryV1, kind, input))
    holds(sameBytes(notaryV1.encode({ ...rest, signedBytes }), input), 'a canonical file has one spelling');
}

function checkKeys(signed: Signed): void {
  if (signed.type !== 'root') return;
  for (const [id, key] of signed.keys) holds(keyId(key) === id, 'a key stands under its own ID');
  for (const { threshold, keyIds } of signed.roles.values())
    holds(threshold >= 1 && keyIds.every((id) => signed.keys.has(id)), 'a role has its keys');
}

function isCanonical(dialect: Dialect, kind: Signed['type'], input: Uint8Array): boolean {
  try {
    dialect.decodeCanonical(kind, input);
    return true;
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
