// SPDX-License-Identifier: Apache-2.0
import { encodeCanonicalJson, encodeHex, type JsonValue } from '../../src/encoding/index.ts';
import { hash, keyId, parseGun } from '../../src/tuf/index.ts';
import { copyTree, type TreeObject } from '../support/json-tree.ts';
import { signedPayload } from '../support/signed-files.ts';
import { makeKey, makeRootKey, recordedKey, type TestKey } from '../support/test-keys.ts';

/** The recorded certificates are for this name. */
export const GUN = parseGun('registry.example.com/acme/app');
export const TOP_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;

const DAY = 86_400_000;

/** Keys that every repository of a run is made with; making them takes longer than all else. */
export interface KeyRing {
  readonly root: TestKey;
  readonly otherRoot: TestKey;
  /** The root key under a second certificate. */
  readonly rootAgain: TestKey;
  readonly targets: TestKey;
  readonly otherTargets: TestKey;
  readonly snapshot: TestKey;
  readonly timestamp: TestKey;
  readonly releases: TestKey;
  readonly alice: TestKey;
  readonly rsa: TestKey;
  readonly recorded: ReadonlyMap<string, TestKey>;
}

const RECORDED = ['any-usage', 'ca-as-leaf', 'rsa1024', 'rsa2048', 'sha1', 'tls-server', 'code-signing'];

export async function makeKeyRing(now: Date): Promise<KeyRing> {
  const since = new Date(now.getTime() - DAY);
  const root = await makeRootKey(GUN, since);
  const again = await makeRootKey(GUN, new Date(now.getTime() - 2 * DAY));
  const chained = recordedKey('chained', 'intermediate');
  const recorded = new Map(RECORDED.map((name) => [name, recordedKey(name)]));
  recorded.set('chained', chained).set('chain upside down', recordedKey('intermediate', 'chained'));
  return {
    root,
    otherRoot: await makeRootKey(GUN, since),
    rootAgain: again,
    targets: makeKey(),
    otherTargets: makeKey(),
    snapshot: makeKey(),
    timestamp: makeKey('ed25519'),
    releases: makeKey(),
    alice: makeKey('rsa'),
    rsa: makeKey('rsa'),
    recorded,
  };
}

/** A repository as plain JSON, and who signs each of its files. Whatever is wanted may be put into it. */
export interface Draft {
  readonly now: Date;
  readonly bodies: Map<string, TreeObject>;
  readonly signers: Map<string, readonly TestKey[]>;
  /** A change to a body that is complete, with every pin in it, before it is signed. */
  readonly beforeSigning: Map<string, (body: TreeObject) => void>;
  /** Changes to a file after it was signed, and before others pin it. */
  readonly afterSigning: Map<string, (file: Uint8Array) => Uint8Array>;
  /** Changes to a file that others have pinned; a status is answered in its place. */
  readonly afterPinning: Map<string, (file: Uint8Array) => Uint8Array | number>;
  /** Answers of the server by file name, in place of what it has. */
  readonly answers: Map<string, Uint8Array | number>;
  /** Roots before the current one, by version. */
  readonly oldRoots: Map<number, Uint8Array>;
  /** Files signed before, by content and signers: what is the same is the same file, as a publisher leaves it. */
  readonly files: Map<string, Uint8Array>;
  /** What was done to it, in words. */
  readonly labels: string[];
}

export function copyDraft(draft: Draft): Draft {
  const bodies = [...draft.bodies].map(([role, body]) => [role, copyTree(body) as TreeObject] as const);
  return {
    now: draft.now,
    bodies: new Map(bodies),
    signers: new Map(draft.signers),
    beforeSigning: new Map(draft.beforeSigning),
    afterSigning: new Map(draft.afterSigning),
    afterPinning: new Map(draft.afterPinning),
    answers: new Map(draft.answers),
    oldRoots: new Map(draft.oldRoots),
    files: draft.files,
    labels: [...draft.labels],
  };
}

export function body(draft: Draft, role: string): TreeObject {
  const found = draft.bodies.get(role);
  if (found === undefined) throw new Error(`the draft has no ${role}`);
  return found;
}

export function object(...members: readonly (readonly [string, JsonValue])[]): TreeObject {
  return new Map(members);
}

export function timeText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

function bodyOf(type: string, now: Date, days: number, ...rest: readonly (readonly [string, JsonValue])[]): TreeObject {
  return object(['_type', type], ['version', 1], ['expires', timeText(now.getTime() + days * DAY)], ...rest);
}

export function keyJson({ listed }: TestKey): TreeObject {
  const value = object(['private', null], ['public', Buffer.from(listed.bytes).toString('base64')]);
  return object(['keytype', listed.type], ['keyval', value]);
}

function keysJson(keys: readonly TestKey[]): TreeObject {
  return object(...keys.map((key) => [keyId(key.listed), keyJson(key)] as const));
}

function roleJson(keys: readonly TestKey[], threshold = 1): TreeObject {
  return object(['keyids', keys.map(({ id }) => id)], ['threshold', threshold]);
}

export function targetJson(content: string): TreeObject {
  const bytes = Buffer.from(content);
  const sha256 = Buffer.from(hash('sha256', bytes)).toString('base64');
  return object(['hashes', object(['sha256', sha256])], ['length', bytes.length]);
}

function delegationJson(name: string, key: TestKey, paths: readonly string[]): TreeObject {
  return object(['keyids', [key.id]], ['name', name], ['paths', paths], ['threshold', 1]);
}

export type Shape = 'plain' | 'delegations' | 'thresholds';
export const SHAPES: readonly Shape[] = ['plain', 'delegations', 'thresholds'];

/** A sound repository. */
export function makeDraft(shape: Shape, ring: KeyRing, now: Date): Draft {
  const many = shape === 'thresholds';
  const roles: Record<(typeof TOP_ROLES)[number], readonly TestKey[]> = {
    root: many ? [ring.root, ring.otherRoot] : [ring.root],
    targets: many ? [ring.targets, ring.otherTargets, ring.rsa] : [ring.targets],
    snapshot: [ring.snapshot],
    timestamp: [ring.timestamp],
  };
  const listed = TOP_ROLES.map((role) => [role, roleJson(roles[role], many ? Math.min(2, roles[role].length) : 1)]);
  const root = bodyOf(
    'Root',
    now,
    3650,
    ['consistent_snapshot', false],
    ['keys', keysJson(Object.values(roles).flat())],
    ['roles', new Map(listed as [string, JsonValue][])],
  );
  const bodies = new Map([['root', root]]);
  const signers = new Map<string, readonly TestKey[]>(Object.entries(roles));
  addTargets(shape, ring, now, bodies, signers);
  bodies.set('snapshot', bodyOf('Snapshot', now, 1095, ['meta', object()]));
  bodies.set('timestamp', bodyOf('Timestamp', now, 14, ['meta', object()]));
  const changes = { beforeSigning: new Map(), afterSigning: new Map(), afterPinning: new Map() };
  return { now, bodies, signers, ...changes, answers: new Map(), oldRoots: new Map(), files: new Map(), labels: [] };
}

function addTargets(
  shape: Shape,
  ring: KeyRing,
  now: Date,
  bodies: Map<string, TreeObject>,
  signers: Map<string, readonly TestKey[]>,
): void {
  const file = (role: string, tags: readonly string[], delegations: TreeObject) => {
    const targets = object(...tags.map((tag) => [tag, targetJson(`${role} ${tag}`)] as const));
    bodies.set(role, bodyOf('Targets', now, 1095, ['delegations', delegations], ['targets', targets]));
  };
  const none = object(['keys', object()], ['roles', []]);
  if (shape !== 'delegations') {
    file('targets', ['latest', 'v1'], none);
    return;
  }
  const roles = [
    delegationJson('targets/alice', ring.alice, ['', 'a/']),
    delegationJson('targets/releases', ring.releases, ['']),
  ];
  file('targets', ['latest', 'v1'], object(['keys', keysJson([ring.releases, ring.alice])], ['roles', roles]));
  const below = [delegationJson('targets/releases/qa', ring.otherTargets, ['qa'])];
  file('targets/releases', ['latest', 'v2'], object(['keys', keysJson([ring.otherTargets])], ['roles', below]));
  file('targets/alice', ['latest', 'a/1'], copyTree(none) as TreeObject);
  file('targets/releases/qa', ['qa1', 'other'], copyTree(none) as TreeObject);
  signers.set('targets/alice', [ring.alice]).set('targets/releases', [ring.releases]);
  signers.set('targets/releases/qa', [ring.otherTargets]);
}

/** What a server has: bytes, or a status, by file name. */
export type Served = ReadonlyMap<string, Uint8Array | number>;

/** Signs a draft from the targets up to the timestamp, each file pinned by the next. */
export function publish(draft: Draft): Served {
  const served = new Map<string, Uint8Array | number>();
  for (const [version, file] of draft.oldRoots) served.set(`${version}.root.json`, file);
  const pins = { snapshot: object(), timestamp: object() };
  const put = (role: string, meta?: TreeObject): TreeObject => {
    const file = signed(draft, role, meta);
    const shown = draft.afterPinning.get(role)?.(file) ?? file;
    served.set(`${role}.json`, shown).set(`${role}.${encodeHex(hash('sha256', file))}.json`, shown);
    if (role === 'root') served.set(`${body(draft, 'root').get('version')}.root.json`, shown);
    return pinJson(file);
  };
  for (const role of draft.bodies.keys())
    if (role !== 'snapshot' && role !== 'timestamp') pins.snapshot.set(role, put(role));
  pins.timestamp.set('snapshot', put('snapshot', pins.snapshot));
  put('timestamp', pins.timestamp);
  for (const [name, answer] of draft.answers) served.set(name, answer);
  return served;
}

function signed(draft: Draft, role: string, meta?: TreeObject): Uint8Array {
  const complete = copyTree(body(draft, role)) as TreeObject;
  if (meta !== undefined) complete.set('meta', meta);
  draft.beforeSigning.get(role)?.(complete);
  const payload = encodeCanonicalJson(complete);
  const signers = draft.signers.get(role) ?? [];
  const name = `${signers.map(({ id }) => id).join()} ${Buffer.from(payload).toString('latin1')}`;
  const file = draft.files.get(name) ?? signedPayload(payload, signers);
  draft.files.set(name, file);
  return draft.afterSigning.get(role)?.(file) ?? file;
}

function pinJson(file: Uint8Array): TreeObject {
  const digest = (algorithm: 'sha256' | 'sha512') => Buffer.from(hash(algorithm, file)).toString('base64');
  const hashes = object(['sha256', digest('sha256')], ['sha512', digest('sha512')]);
  return object(['hashes', hashes], ['length', file.length]);
}
