// SPDX-License-Identifier: Apache-2.0
/** What may be wrong with a repository. Each mutation changes a draft and says what it did. */
import { DecodeError, decodeJsonObject, encodeUtf8 } from '../../src/encoding/index.ts';
import { mutateTree, placesIn, setAt, type Tree, type TreeObject, valueAt } from '../support/json-tree.ts';
import type { Random } from '../support/random.ts';
import type { TestKey } from '../support/test-keys.ts';
import { body, type Draft, type KeyRing, keyJson, object, type Served, timeText } from './forge.ts';
import { mutateText } from './text-mutations.ts';

export interface Scene {
  readonly draft: Draft;
  readonly ring: KeyRing;
  readonly random: Random;
  /** What the server had before, to be served again; empty for a client that was never here. */
  readonly before: Served;
}

export type MutationName = keyof typeof MUTATIONS;

const DAY = 86_400_000;

/** Changes the body of a role before it is signed. */
function change(scene: Scene, role: string, edit: (body: TreeObject) => string): void {
  const { beforeSigning, labels } = scene.draft;
  const earlier = beforeSigning.get(role);
  beforeSigning.set(role, (complete) => {
    earlier?.(complete);
    labels.push(`${role}: ${done(edit, complete)}`);
  });
}

/** A mutation before may have taken away what this one would change: then it finds no place, which is no failure. */
function done(edit: (body: TreeObject) => string, complete: TreeObject): string {
  try {
    return edit(complete);
  } catch (error) {
    if (error instanceof TypeError) return 'nothing more to change';
    throw error;
  }
}

function anyRole({ draft, random }: Scene): string {
  return random.pick([...draft.bodies.keys()]);
}

function tree(scene: Scene): void {
  change(scene, anyRole(scene), (complete) => mutateTree(complete, scene.random));
}

function version(scene: Scene): void {
  const { random } = scene;
  const value = random.pick<Tree>([0, -1, 1, 2, 3, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, '2', null]);
  change(scene, anyRole(scene), (complete) => {
    complete.set('version', value);
    return `version ${JSON.stringify(value)}`;
  });
}

function expiry(scene: Scene): void {
  const { random, draft } = scene;
  const now = draft.now.getTime();
  const later = timeText(now + 30 * DAY).slice(0, -1);
  const forms = [timeText(now - 60_000), timeText(now - DAY), timeText(now + DAY), timeText(0), '', 'never', null];
  const spellings = ['.5Z', '.500Z', '.123456789Z', '.1234567891Z', 'z', '+00:00', '-00:00', '+02:00', '+24:00', ''];
  const written = [
    later.replace('T', ' ').concat('Z'),
    later.slice(0, 10),
    '9999-12-31T23:59:59Z',
    '10000-01-01T00:00:00Z',
  ];
  const odd = ['2030-02-30T00:00:00Z', '2030-06-30T23:59:60Z', '2030-06-30T24:00:00Z', '0001-01-01T00:00:00Z'];
  const value = random.pick<Tree>([...forms, ...spellings.map((end) => later + end), ...written, ...odd]);
  change(scene, anyRole(scene), (complete) => {
    complete.set('expires', value);
    return `expires ${JSON.stringify(value)?.replace(later, 'LATER')}`;
  });
}

/** Every role object, of the root or of delegations. */
function roleObjects(complete: TreeObject): readonly TreeObject[] {
  const objects = placesIn(complete).map(valueAt);
  return objects.filter((value): value is TreeObject => value instanceof Map && value.has('threshold'));
}

function roleKeys(scene: Scene): void {
  const { random, draft } = scene;
  const roles = ['root', ...[...draft.bodies.keys()].filter((role) => role.startsWith('targets'))];
  change(scene, random.pick(roles), (complete) => {
    const choices = roleObjects(complete);
    if (choices.length === 0) return 'no roles';
    return changeRole(random.pick(choices), random);
  });
}

function changeRole(role: TreeObject, random: Random): string {
  if (random.chance(0.4)) {
    const threshold = random.pick<Tree>([0, -1, 1, 2, 3, 99, 2 ** 40, '1', null]);
    role.set('threshold', threshold);
    return `threshold ${JSON.stringify(threshold)}`;
  }
  const listed = role.get('keyids') as readonly string[];
  const [kind, keyIds] = random.pick<readonly [string, Tree]>([
    ['twice', [...listed, ...listed]],
    ['none', []],
    ['null', null],
    ['unknown too', [...listed, '0'.repeat(64)]],
    ['unknown alone', ['0'.repeat(64)]],
    ['upper case', listed.map((id) => id.toUpperCase())],
    ['reversed', [...listed].reverse()],
    ['one less', listed.slice(1)],
  ]);
  role.set('keyids', keyIds);
  if (random.chance(0.3)) role.set('threshold', 2);
  return `keyids ${kind}, threshold ${role.get('threshold')}`;
}

function keyObject(scene: Scene): void {
  const { random, ring } = scene;
  change(scene, random.pick(['root', 'targets']), (complete) => {
    const keys = placesIn(complete).filter(({ holder, key }) => key === 'keyval' && holder instanceof Map);
    if (keys.length === 0) return 'no keys';
    const key = random.pick(keys).holder as TreeObject;
    const value = key.get('keyval') as TreeObject;
    const text = String(value.get('public'));
    const other = (keyJson(ring.otherTargets).get('keyval') as TreeObject).get('public') as string;
    const changes: readonly (readonly [string, () => unknown])[] = [
      ['type unknown', () => key.set('keytype', 'dsa')],
      ['type in upper case', () => key.set('keytype', String(key.get('keytype')).toUpperCase())],
      ['type of another', () => key.set('keytype', random.pick(['rsa', 'ed25519', 'ecdsa', 'ecdsa-x509']))],
      ['of another', () => value.set('public', other)],
      ['without padding', () => value.set('public', text.replaceAll('=', ''))],
      ['in base64url', () => value.set('public', text.replaceAll('+', '-').replaceAll('/', '_'))],
      ['with a newline', () => value.set('public', `${text.slice(0, 10)}\n${text.slice(10)}`)],
      ['empty', () => value.set('public', '')],
      ['private is a string', () => value.set('private', '')],
      ['private is absent', () => value.delete('private')],
      ['another field', () => key.set('scheme', 'x')],
    ];
    const [what, apply] = random.pick(changes);
    apply();
    return `key ${what}`;
  });
}

function pins(scene: Scene): void {
  const { random } = scene;
  change(scene, random.pick(['snapshot', 'timestamp']), (complete) => {
    const meta = complete.get('meta') as TreeObject;
    const name = random.pick([...meta.keys()]);
    const pin = meta.get(name) as TreeObject;
    const hashes = pin.get('hashes') as TreeObject;
    const wrong = Buffer.alloc(32, 7).toString('base64');
    const changes: readonly (readonly [string, () => unknown])[] = [
      ['without sha256', () => hashes.delete('sha256')],
      ['without sha512', () => hashes.delete('sha512')],
      ['without hashes', () => hashes.clear()],
      ['wrong sha256', () => hashes.set('sha256', wrong)],
      ['wrong sha512', () => hashes.set('sha512', Buffer.alloc(64, 7).toString('base64'))],
      ['short sha512', () => hashes.set('sha512', wrong)],
      ['short sha256', () => hashes.set('sha256', wrong.slice(0, 40))],
      ['md5 too', () => hashes.set('md5', 'AAAA')],
      ['SHA256', () => hashes.set('SHA256', wrong)],
      ['length one more', () => pin.set('length', Number(pin.get('length')) + 1)],
      ['length one less', () => pin.set('length', Number(pin.get('length')) - 1)],
      ['length zero', () => pin.set('length', 0)],
      ['length negative', () => pin.set('length', -1)],
      ['length huge', () => pin.set('length', 2 ** 52)],
      ['removed', () => meta.delete(name)],
      ['null', () => meta.set(name, null)],
      ['renamed with .json', () => meta.set(`${name}.json`, pin) && meta.delete(name)],
      ['another role', () => meta.set(random.pick(['targets/ghost', 'x', 'targets/../x', 'timestamp']), pin)],
      ['that of another', () => meta.set(name, meta.get(random.pick([...meta.keys()])) as Tree)],
    ];
    const [what, apply] = random.pick(changes);
    apply();
    return `pin of ${name} ${what}`;
  });
}

function delegation(scene: Scene): void {
  const { random, draft, ring } = scene;
  const parent = random.pick([...draft.bodies.keys()].filter((role) => role.startsWith('targets')));
  change(scene, parent, (complete) => {
    const delegations = complete.get('delegations') as TreeObject;
    const roles = delegations.get('roles') as TreeObject[];
    const role =
      roles.length === 0 ? object(['name', 'targets/new'], ['threshold', 1], ['keyids', []]) : random.pick(roles);
    if (roles.length === 0) roles.push(role);
    const name = String(role.get('name'));
    const changes: readonly (readonly [string, () => unknown])[] = [
      ...[
        'targets/Releases',
        'targets/a/b',
        'targets',
        'root',
        'targets//x',
        'targets/..',
        'targets/*',
        `${name}/`,
      ].map((other) => [`named ${other}`, () => role.set('name', other)] as const),
      ...[[], [''], ['v'], ['latest'], ['/'], ['a*'], null, ['', '']].map(
        (paths) => [`paths ${JSON.stringify(paths)}`, () => role.set('paths', paths)] as const,
      ),
      ['without paths', () => role.delete('paths')],
      ['twice', () => roles.push(role)],
      ['in another order', () => roles.reverse()],
      ['removed', () => roles.splice(roles.indexOf(role), 1)],
      ['roles null', () => delegations.set('roles', null)],
      ['keys null', () => delegations.set('keys', null)],
      ['of another key', () => role.set('keyids', [ring.targets.id])],
      ['terminating', () => role.set('terminating', true)],
    ];
    const [what, apply] = random.pick(changes);
    apply();
    return `delegation ${what}`;
  });
}

function target(scene: Scene): void {
  const { random, draft } = scene;
  const role = random.pick([...draft.bodies.keys()].filter((name) => name.startsWith('targets')));
  change(scene, role, (complete) => {
    const targets = complete.get('targets') as TreeObject;
    const name = random.pick([...targets.keys(), 'new']);
    const file = (targets.get(name) ?? object(['hashes', object()], ['length', 0])) as TreeObject;
    const [what, field, value] = random.pick<readonly [string, string, Tree]>([
      ['no hashes', 'hashes', object()],
      ['hashes null', 'hashes', null],
      ['sha512 alone', 'hashes', object(['sha512', Buffer.alloc(64).toString('base64')])],
      ['md5 alone', 'hashes', object(['md5', 'AAAA'])],
      ['a short sha256', 'hashes', object(['sha256', 'AAAA'])],
      ['length negative', 'length', -5],
      ['length zero', 'length', 0],
      ['length huge', 'length', 2 ** 53 - 1],
      ['custom', 'custom', object(['b', 1], ['a', [true, null]])],
      ['custom null', 'custom', null],
      ['another field', 'size', 1],
    ]);
    targets.set(name, file.set(field, value));
    return `target with ${what}`;
  });
}

function type(scene: Scene): void {
  const value = scene.random.pick<Tree>([
    'root',
    'Root',
    'Targets',
    'targets',
    'TARGETS',
    'Snapshot',
    'Timestamp',
    '',
    null,
  ]);
  change(scene, anyRole(scene), (complete) => {
    complete.set('_type', value);
    return `_type ${JSON.stringify(value)}`;
  });
}

/** Other keys sign, or fewer, or more. */
function signers(scene: Scene): void {
  const { draft, ring, random } = scene;
  const role = anyRole(scene);
  const now = draft.signers.get(role) ?? [];
  const claimed = now.map((key) => Object.assign(Object.create(key), { id: key.id, object: ring.otherTargets.object }));
  const [what, keys] = random.pick<readonly [string, readonly TestKey[]]>([
    ['nobody', []],
    ['one less', now.slice(1)],
    ['twice', [...now, ...now]],
    ['a stranger', [ring.rsa]],
    ['a stranger first', [ring.rsa, ...now]],
    ['another role', [ring.targets]],
    ['the other root', [ring.otherRoot]],
    ['the root by its other certificate', [ring.rootAgain]],
    ...(random.chance(0.5) ? [['in the name of', claimed] as const] : []),
  ]);
  draft.signers.set(role, keys);
  draft.labels.push(`${role}: signed by ${what}`);
}

/** Another root certificate, with the root role's keys in the body changed to fit. */
function certificate(scene: Scene): void {
  const { draft, ring, random } = scene;
  const root = body(draft, 'root');
  const choices = [...ring.recorded, ['renewed', ring.rootAgain] as const];
  const [name, key] = random.pick(choices);
  const both = random.chance(0.4);
  const keys = both ? [ring.root, key] : [key];
  const threshold = both && random.chance(0.6) ? 2 : 1;
  const listed = root.get('keys') as TreeObject;
  for (const one of keys) listed.set(one.id, keyJson(one));
  const role = object(['keyids', keys.map(({ id }) => id)], ['threshold', threshold]);
  (root.get('roles') as TreeObject).set('root', role);
  const signing = random.chance(0.7) ? keys : [random.pick(keys)];
  draft.signers.set('root', signing);
  draft.labels.push(`root: certificate ${name}${both ? ' beside ours' : ''}, threshold ${threshold} of ${keys.length}`);
}

/** The text of a signed file is changed; what others pin is the changed one. */
function text(scene: Scene): void {
  textual(scene, scene.draft.afterSigning, 'text');
}

/** The text of a file is changed under the pin. */
function swapped(scene: Scene): void {
  textual(scene, scene.draft.afterPinning, 'text under the pin');
}

function textual(scene: Scene, changes: Draft['afterSigning'] | Draft['afterPinning'], where: string): void {
  const role = anyRole(scene);
  const mutate = (file: Uint8Array) => {
    const { bytes, label } = mutateText(file, scene.random);
    scene.draft.labels.push(`${role}: ${where} ${label}`);
    return bytes;
  };
  changes.set(role, mutate);
}

/** Canonical JSON leaves control characters as they are, which JSON forbids: such a file has no signature to find. */
function readIfPossible(file: Uint8Array) {
  try {
    return decodeJsonObject(file);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** One entry of the list of signatures. */
function signature(scene: Scene): void {
  const { draft, random } = scene;
  const role = anyRole(scene);
  draft.afterSigning.set(role, (file) => {
    const read = readIfPossible(file);
    if (read === undefined) return file;
    const document = new Map(read) as TreeObject;
    const list = [...(document.get('signatures') as readonly TreeObject[])].map((entry) => new Map(entry));
    const entry = list[0];
    if (entry === undefined) return file;
    draft.labels.push(`${role}: signature ${changeSignature(entry, list, random)}`);
    const signatures = JSON.stringify(list.map((one) => Object.fromEntries(one)));
    const whole = new TextDecoder().decode(file);
    return encodeUtf8(whole.replace(/"signatures":\[.*\]\}$/s, () => `"signatures":${signatures}}`));
  });
}

function changeSignature(entry: TreeObject, list: TreeObject[], random: Random): string {
  const sig = String(entry.get('sig'));
  const bytes = Buffer.from(sig, 'base64');
  const places = placesIn(entry);
  const changes: readonly (readonly [string, () => unknown])[] = [
    ['method in upper case', () => entry.set('method', String(entry.get('method')).toUpperCase())],
    ['method of another key', () => entry.set('method', random.pick(['rsapss', 'eddsa', 'ecdsa', 'rsapkcs1v15']))],
    ['method unknown', () => entry.set('method', 'hmac')],
    ['method absent', () => entry.delete('method')],
    ['without padding', () => entry.set('sig', sig.replaceAll('=', ''))],
    ['in base64url', () => entry.set('sig', sig.replaceAll('+', '-').replaceAll('/', '_'))],
    ['with a newline', () => entry.set('sig', `${sig}\n`)],
    ['cut off', () => entry.set('sig', bytes.subarray(0, -1).toString('base64'))],
    ['with a byte more', () => entry.set('sig', Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64'))],
    ['with zeros before', () => entry.set('sig', Buffer.concat([Buffer.alloc(2), bytes]).toString('base64'))],
    ['empty', () => entry.set('sig', '')],
    ['null', () => entry.set('sig', null)],
    ['of an unknown key first', () => list.unshift(new Map(entry).set('keyid', '0'.repeat(64)))],
    ['key ID in upper case', () => entry.set('keyid', String(entry.get('keyid')).toUpperCase())],
    ['key ID that is none', () => entry.set('keyid', 'x')],
    ['another field', () => entry.set('x', 1)],
    ['a field odd', () => setAt(random.pick(places), random.pick<Tree>([null, 1, [], new Map()]))],
    ['three hundred times', () => list.push(...Array.from({ length: 300 }, () => new Map(entry)))],
  ];
  const [what, apply] = random.pick(changes);
  apply();
  return what;
}

/** A file is missing, or the server fails, or has what it had before. */
function answer(scene: Scene): void {
  const { draft, random, before } = scene;
  const role = anyRole(scene);
  const old = before.get(`${role}.json`);
  const kind = random.pick(old === undefined ? ['status', 'wrong role'] : ['status', 'old', 'wrong role']);
  if (kind === 'status') {
    const status = random.pick([404, 500, 503, 401, 403, 400]);
    draft.afterPinning.set(role, () => status);
    draft.labels.push(`${role}: answered ${status}`);
  } else if (kind === 'old') {
    draft.afterPinning.set(role, () => old as Uint8Array);
    draft.labels.push(`${role}: as it was before`);
  } else {
    const other = random.pick(['root', 'targets', 'snapshot', 'timestamp']);
    const file = before.get(`${other}.json`);
    draft.afterPinning.set(role, (own) => file ?? own);
    draft.labels.push(`${role}: the ${other} of before`);
  }
}

export const MUTATIONS = {
  tree,
  version,
  expiry,
  roleKeys,
  keyObject,
  pins,
  delegation,
  target,
  type,
  signers,
  certificate,
  text,
  swapped,
  signature,
  answer,
} as const;
