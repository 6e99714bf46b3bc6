// SPDX-License-Identifier: Apache-2.0
import { decodePins, encodePins } from '../../../src/client/index.ts';
import { encodeUtf8 } from '../../../src/encoding/index.ts';
import { decodeDelegationContent, decodeTargetContent } from '../../../src/publisher/changelist-content.ts';
import {
  ChangelistError,
  decodeChange,
  decodeStagedUpdate,
  delegationAdditions,
  delegationReductions,
  delegationRemoval,
  encodeChange,
  encodeStagedUpdate,
  keyPurge,
  targetAddition,
  targetRemoval,
  witnessing,
} from '../../../src/publisher/index.ts';
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts';
import { parseMultipart } from '../../../src/server/multipart.ts';
import { TrustProblem } from '../../../src/server/problems.ts';
import { UpdateRefusal } from '../../../src/server/refusals.ts';
import { cleanPath, decodedPath, parseFileName } from '../../../src/server/request-path.ts';
import { readUploads } from '../../../src/server/uploads.ts';
import { dockerTarget, keyId, MetadataError, notaryV1, parseRoleName } from '../../../src/tuf/index.ts';
import { multipart } from '../../support/trust-stage.ts';
import { vectorRepository } from '../../support/vectors.ts';
import { type FuzzTarget, holds } from '../fuzz-target.ts';

const repository = vectorRepository('c-docker-delegations');
const root = notaryV1.decode('root', repository.file('root', 1));
const [key] = [...root.signed.keys.values()];
const id = key === undefined ? '' : keyId(key);
const CONTENT_TYPE = multipart(new Map()).headers['Content-Type'];

function changes(): readonly Uint8Array[] {
  const role = 'targets/releases';
  const target = { ...dockerTarget(new Uint8Array(32), 7), custom: new Map([['a', 1]]) };
  return [
    targetAddition('targets', 'latest', target),
    targetRemoval(role, 'v1'),
    ...delegationAdditions(role, key === undefined ? [] : [key], ['', 'a/']),
    ...delegationReductions(role, [id], ['a/']),
    ...delegationReductions(role, [], 'all'),
    delegationRemoval(role),
    keyPurge([id]),
    witnessing('targets'),
  ].map(encodeChange);
}

function readChange(input: Uint8Array): void {
  const change = decodeChange(input);
  const written = encodeChange(change);
  holds(Buffer.from(encodeChange(decodeChange(written))).equals(written), 'a change is read as it was written');
  if (change.type === 'target' && change.action === 'create') decodeTargetContent(change);
  if (change.type === 'delegation' && change.action !== 'delete') decodeDelegationContent(change);
}

function pinFiles(): readonly Uint8Array[] {
  const documents = [
    { tofu: false, certs: { 'example.com/a': [id], 'example.com/*': [] } },
    { keys: { 'x/*': [id, id] }, ca: { 'example.com/': 'ca.pem', '*': '-----BEGIN CERTIFICATE-----' } },
  ];
  return documents.map((document) => encodeUtf8(JSON.stringify(document)));
}

function readPins(input: Uint8Array): void {
  const written = encodePins(decodePins(input));
  holds(Buffer.from(encodePins(decodePins(written))).equals(written), 'pins are read as they were written');
}

function uploads(): readonly Uint8Array[] {
  const files = repository.files.filter(({ role, version }) => version === (role === 'targets' ? 2 : 1));
  const all = new Map(files.map(({ role, bytes }) => [role as string, bytes]));
  return [all, new Map([...all].slice(0, 1)), new Map<string, Uint8Array>()].map(
    (some) => new Uint8Array(multipart(some).body),
  );
}

function readUpload(input: Uint8Array): void {
  for (const [role, { bytes, signed }] of readUploads(parseMultipart(CONTENT_TYPE, input, 1000), DEFAULT_LIMITS)) {
    parseRoleName(role);
    const written = notaryV1.encode(notaryV1.decode(signed.type, bytes));
    holds(Buffer.from(written).equals(bytes), 'what is taken is what Go would write');
  }
}

function stagedUpdates(): readonly Uint8Array[] {
  const files = (['root', 'targets'] as const).map((role) => {
    const { signedBytes, signatures } = notaryV1.decode(role, repository.file(role, role === 'root' ? 1 : 2));
    return { role: parseRoleName(role), signedBytes, signatures };
  });
  return [encodeStagedUpdate({ gun: repository.gun, files })];
}

function readStaged(input: Uint8Array): void {
  const written = encodeStagedUpdate(decodeStagedUpdate(input));
  holds(Buffer.from(encodeStagedUpdate(decodeStagedUpdate(written))).equals(written), 'an update is read as written');
}

const PATHS = [
  '/v2/example.com/app/_trust/tuf/root.json',
  '/v2/a/_trust/tuf/3.root.json',
  `/v2/a/_trust/tuf/targets/releases.${'ab'.repeat(32)}.json`,
  '/v2/a/%2e%2e/./b/../_trust/tuf/timestamp.key?x=1#y',
];

function readPath(input: Uint8Array): void {
  const path = decodedPath(`http://127.0.0.1${new TextDecoder().decode(input)}`);
  if (path === undefined) return;
  const clean = cleanPath(path);
  holds(cleanPath(clean) === clean && !`${clean}/`.includes('/../'), 'a clean path is clean');
  const file = parseFileName(path.slice(path.lastIndexOf('/tuf/') + 5));
  if (file !== undefined) parseRoleName(file.role);
}

export const STATE_TARGETS: readonly FuzzTarget[] = [
  { name: 'changelist', corpus: changes, refusals: [ChangelistError], read: readChange },
  { name: 'pins', corpus: pinFiles, refusals: [MetadataError], read: readPins },
  { name: 'multipart-update', corpus: uploads, refusals: [TrustProblem, UpdateRefusal], read: readUpload },
  { name: 'staged-update', corpus: stagedUpdates, refusals: [MetadataError], read: readStaged },
  { name: 'request-path', corpus: () => PATHS.map(encodeUtf8), refusals: [], read: readPath },
];
