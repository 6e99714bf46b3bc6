// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, test } from 'bun:test';
import { PASSPHRASES, ServerDouble, TestPublisher, targetOf } from '../../test/support/publishing-stage.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { DownloadError } from '../client/index.ts';
import { rootCertificate } from '../signing/index.ts';
import {
  bareKey,
  expiryOf,
  type Gun,
  keyId,
  notaryV1,
  type PublicKey,
  parseGun,
  ROOT,
  type RoleName,
  type Root,
  TARGETS,
  type Targets,
  type Version,
} from '../tuf/index.ts';
import { changeDelegation, removeDelegation } from './delegations.ts';
import { Draft } from './draft.ts';
import { PublishError } from './errors.ts';
import { rotateRole } from './rotation.ts';
import { stageRevocation, stageTag } from './staged-edits.ts';
import { decodeStagedUpdate, encodeStagedUpdate, type StagedUpdate } from './staged-update.ts';

const RELEASES = 'targets/releases' as RoleName;

let server: ServerDouble;
let owner: TestPublisher;
let alice: TestPublisher;
let bob: TestPublisher;
let aliceKey: PublicKey;
let bobKey: PublicKey;

beforeEach(async () => {
  server = new ServerDouble();
  [owner, alice, bob] = [new TestPublisher(server), new TestPublisher(server), new TestPublisher(server)];
  await owner.publisher.sign('first', targetOf('first'));
  [aliceKey, bobKey] = [await alice.addKey('alice'), await bob.addKey('bob')];
  await delegateToBoth(2);
});

const delegateToBoth = (threshold: number) =>
  owner.publisher.publish((draft, now) =>
    changeDelegation(draft, RELEASES, now, { addKeys: [aliceKey, bobKey], addPaths: [''], threshold }),
  );
const signing =
  (person: TestPublisher, tag: string, content = tag) =>
  (draft: Draft, now: Date) =>
    stageTag(draft, { store: person.store, passphrases: PASSPHRASES }, now, { tag, target: targetOf(content) });
const stage = async (person: TestPublisher, tag: string) =>
  (await person.publisher.staging.stage(signing(person, tag))).update;
/** As it reaches another machine. */
const sent = (update: StagedUpdate) => decodeStagedUpdate(encodeStagedUpdate(update));
const cosigned = async (person: TestPublisher, update: StagedUpdate) => {
  const reviews = await person.publisher.staging.review(sent(update));
  return (await person.publisher.staging.cosign(reviews)).update;
};
const codeOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};
/** An update that says something else in one of its files, with the signatures it had. */
const altered = (update: StagedUpdate, change: (signed: Targets) => object, role: RoleName = RELEASES) => ({
  ...update,
  files: update.files.map((file) => {
    if (file.role !== role) return file;
    const signed = notaryV1.decodeSigned('targets', file.signedBytes);
    return { ...file, signedBytes: notaryV1.encodeSigned({ ...signed, ...change(signed) }) };
  }),
});

describe('staged updates', () => {
  test('two people sign one after another, anybody publishes, and everybody trusts it', async () => {
    const update = await cosigned(bob, await stage(alice, 'v2'));
    const published = await owner.publisher.staging.publish(sent(update));
    expect(published.roles).toEqual([RELEASES]);
    const { targets } = await owner.client.refresh();
    expect([...(targets.roles.get(RELEASES)?.signed.targets.keys() ?? [])]).toEqual(['v2']);
  });

  test('what the server has taken is published, though it cannot be looked at just now', async () => {
    const update = sent(await cosigned(bob, await stage(alice, 'v2')));
    const publish = server.publish.bind(server);
    server.publish = async (gun, files) => {
      await publish(gun, files);
      server.fetch = () => Promise.reject(new DownloadError('unreachable', GUN, 'gone'));
    };
    expect((await owner.publisher.staging.publish(update)).roles).toEqual([RELEASES]);
  });

  test('staging publishes nothing', async () => {
    const before = server.sent.length;
    await stage(alice, 'v2');
    expect(server.sent.length).toBe(before);
  });

  test('a review names what is signed, who signed, and how many of whom are missing', async () => {
    const [review] = await bob.publisher.staging.review(sent(await stage(alice, 'v2')));
    expect(review?.change).toMatchObject({ role: RELEASES, version: { before: 0, after: 1 }, keys: [] });
    expect(review?.change.tags).toEqual([{ tag: 'v2', after: targetOf('v2') }]);
    expect(review?.signed).toEqual([keyId(aliceKey)]);
    expect(review?.missing).toEqual([{ needed: 1, keyIds: [keyId(bobKey)] }]);
  });

  test('an update without all its signatures is not published', async () => {
    expect(await codeOf(owner.publisher.staging.publish(await stage(alice, 'v2')))).toBe('no-signing-key');
  });

  test('S15 the same person twice does not reach a threshold of two', async () => {
    const update = await cosigned(alice, await stage(alice, 'v2'));
    const [file] = update.files;
    const twice = {
      ...update,
      files: [{ ...file, signatures: [...(file?.signatures ?? []), ...(file?.signatures ?? [])] }],
    };
    expect(await codeOf(owner.publisher.staging.publish(twice as StagedUpdate))).toBe('no-signing-key');
  });

  test('one that was overtaken is a conflict, for the next signer and for the publisher', async () => {
    const [late, quick] = [
      await cosigned(bob, await stage(alice, 'v2')),
      await cosigned(bob, await stage(alice, 'v3')),
    ];
    await owner.publisher.staging.publish(quick);
    expect(await codeOf(bob.publisher.staging.review(late))).toBe('conflict');
    expect(await codeOf(owner.publisher.staging.publish(late))).toBe('conflict');
  });

  test('a publish of another role meanwhile does not overtake it', async () => {
    const update = await cosigned(bob, await stage(alice, 'v2'));
    server.conflicts = 1;
    expect((await owner.publisher.staging.publish(update)).roles).toEqual([RELEASES]);
  });

  test('a revocation is staged by one of two, and revokes once both signed', async () => {
    await owner.publisher.staging.publish(await cosigned(bob, await stage(alice, 'v2')));
    const keys = { store: alice.store, passphrases: PASSPHRASES };
    const { update } = await alice.publisher.staging.stage(async (draft, now) => {
      expect(await stageRevocation(draft, keys, now, 'v2')).toEqual([]);
    });
    await owner.publisher.staging.publish(await cosigned(bob, update));
    expect((await owner.client.refresh()).targets.roles.get(RELEASES)?.signed.targets.size).toBe(0);
  });

  test('who holds no key of it is told so, and a draft without change is not staged', async () => {
    expect(await codeOf(stage(owner, 'v2'))).toBe('no-delegation-key');
    expect(await codeOf(alice.publisher.staging.stage(() => {}))).toBe('not-signed');
  });
});

describe('hostile staged updates', () => {
  test('changed after it was signed: the signature counts no more', async () => {
    const update = await stage(alice, 'v2');
    const evil = altered(update, () => ({ targets: new Map([['v2', targetOf('evil')]]) }));
    const [review] = await bob.publisher.staging.review(sent(evil));
    expect(review?.signed).toEqual([]);
    expect(review?.change.tags).toEqual([{ tag: 'v2', after: targetOf('evil') }]);
  });

  test('S3 a version that jumps ahead is refused', async () => {
    const jump = altered(await stage(alice, 'v2'), () => ({ version: 2_000_000_000 as Version }));
    expect(await codeOf(bob.publisher.staging.review(jump))).toBe('conflict');
  });

  test('an expiry in the past, or beyond what is usual, is refused', async () => {
    const update = await stage(alice, 'v2');
    for (const expires of [new Date(NOW.getTime() - 1), new Date('9999-01-01T00:00:00Z')])
      expect(await codeOf(bob.publisher.staging.review(altered(update, () => ({ expires }))))).toBe('malformed');
  });

  test('of another repository it is refused', async () => {
    const foreign = { ...(await stage(alice, 'v2')), gun: parseGun('registry.example.com/acme/other') };
    expect(await codeOf(bob.publisher.staging.review(foreign))).toBe('conflict');
  });

  test('authorities are never taken from the file: a delegation of its own making is shown, and targets must sign it', async () => {
    const { update } = await alice.publisher.staging.stage((draft, now) => {
      changeDelegation(draft, 'targets/evil' as RoleName, now, { addKeys: [aliceKey], addPaths: [''] });
      draft.edit('targets/evil' as RoleName, now, (targets) => targets);
    });
    const reviews = await bob.publisher.staging.review(sent(update));
    expect(reviews[0]?.change.keys).toMatchObject([
      { role: 'targets/evil', isNew: true, addedKeys: [keyId(aliceKey)] },
    ]);
    expect(reviews[0]?.missing).toHaveLength(1);
    expect(await codeOf(bob.publisher.staging.publish(update))).toBe('no-signing-key');
    const withoutParent = { ...update, files: update.files.filter(({ role }) => role !== TARGETS) };
    expect(await codeOf(bob.publisher.staging.review(withoutParent))).toBe('unknown-role');
  });

  test('S10 bytes that say more than is shown are refused', async () => {
    const update = await stage(alice, 'v2');
    const text = new TextDecoder().decode(update.files[0]?.signedBytes);
    for (const more of [text.replace('{', '{"more":1,'), `${text} `, text.replace('"targets":', '"targets": ')]) {
      const files = [{ ...update.files[0], signedBytes: new TextEncoder().encode(more) }];
      expect(await codeOf(bob.publisher.staging.review({ ...update, files } as StagedUpdate))).toBe('malformed');
    }
  });

  test('timestamp and snapshot are nothing that people sign', async () => {
    for (const role of ['snapshot', 'timestamp'] as const) {
      const signedBytes = await signedBytesOf(role);
      const hostile = { gun: GUN, files: [{ role: role as RoleName, signedBytes, signatures: [] }] };
      expect(await codeOf(bob.publisher.staging.review(hostile))).toBe('malformed');
    }
  });

  test('S9 a delegation that can never reach its threshold, or is no child of its delegator, is refused', async () => {
    const { update } = await owner.publisher.staging.stage((draft, now) =>
      changeDelegation(draft, RELEASES, now, { threshold: 1 }),
    );
    const change = (over: object) =>
      altered(
        update,
        ({ delegations }) => ({
          delegations: { ...delegations, roles: delegations.roles.map((role) => ({ ...role, ...over })) },
        }),
        TARGETS,
      );
    expect(await codeOf(bob.publisher.staging.review(change({ threshold: 3 })))).toBe('bad-threshold');
    expect(await codeOf(bob.publisher.staging.review(change({ name: 'targets/a/b' })))).toBe('malformed');
  });

  async function signedBytesOf(role: 'snapshot' | 'timestamp') {
    const file = server.files.get(role as RoleName) as Uint8Array;
    return notaryV1.decode(role, file).signedBytes;
  }
});

describe('delegations that are changed by a staged update', () => {
  test('one that is removed leaves with all it signed', async () => {
    await owner.publisher.staging.publish(await cosigned(bob, await stage(alice, 'v2')));
    const { update, reviews } = await owner.publisher.staging.stage((draft, now) =>
      removeDelegation(draft, RELEASES, now),
    );
    expect(reviews[0]?.change.keys).toMatchObject([{ role: RELEASES, isRemoved: true }]);
    await alice.publisher.staging.publish(sent(update));
    expect((await bob.client.refresh()).targets.roles.has(RELEASES)).toBe(false);
  });

  test('one that comes back goes on above the versions it had: no server takes them twice', () => {
    const mark = { version: 7 as Version, keyIds: [keyId(aliceKey)], sha256: 'a'.repeat(64) };
    const draft = new Draft({
      root: rootOf(),
      targets: new Map(),
      refused: new Map(),
      marks: new Map([[RELEASES, mark]]),
    });
    draft.edit(RELEASES, NOW, (targets) => targets);
    expect(draft.targets(RELEASES)?.version as number).toBe(8);
  });

  test('of one that is removed, a snapshot that the publisher signs lists nothing any more', async () => {
    const own = new ServerDouble();
    const keeper = new TestPublisher(own, { clientSnapshot: true });
    await keeper.publisher.sign('first', targetOf('first'));
    const key = await keeper.addKey('alice');
    await keeper.publisher.publish((draft, now) =>
      changeDelegation(draft, RELEASES, now, { addKeys: [key], addPaths: [''] }),
    );
    await keeper.publisher.sign('v2', targetOf('v2'));
    const { update } = await keeper.publisher.staging.stage((draft, now) => removeDelegation(draft, RELEASES, now));
    await keeper.publisher.staging.publish(sent(update));
    const { meta } = notaryV1.decode('snapshot', own.files.get('snapshot' as RoleName) as Uint8Array).signed;
    expect([...meta.keys()].sort()).toEqual([ROOT, TARGETS]);
  });

  const rootOf = () => notaryV1.decode('root', server.files.get(ROOT) as Uint8Array).signed;
});

describe('a root that several people hold', () => {
  let roots: PublicKey[];

  beforeEach(async () => {
    const people = [owner, alice, bob];
    roots = [];
    for (const person of people) {
      const key = await person.addKey('root');
      const opened = await person.store.get(keyId(key), PASSPHRASES);
      roots.push(await rootCertificate(opened, GUN as Gun, NOW));
    }
  });

  const rotateTo = (keys: readonly PublicKey[], threshold: number) => (draft: Draft, now: Date) =>
    rotateRole(draft, 'root', now, { keys, threshold });
  const stageRoot = async (person: TestPublisher, keys: readonly PublicKey[], threshold: number) =>
    (await person.publisher.staging.stage(rotateTo(keys, threshold))).update;

  test('from one key to 2 of 3: the old key and two of the new ones sign', async () => {
    const first = await stageRoot(owner, roots, 2);
    expect(await codeOf(owner.publisher.staging.publish(first))).toBe('no-signing-key');
    await owner.publisher.staging.publish(await cosigned(alice, first));
    const root = (await bob.client.refresh()).targets.snapshot.timestamp.root.signed;
    expect(root.roles.get('root')).toEqual({ keyIds: roots.map(keyId), threshold: 2 });
  });

  test('from 2 of 3 to other keys: two of the old and two of the new ones sign, and clients follow', async () => {
    await owner.publisher.staging.publish(await cosigned(alice, await stageRoot(owner, roots, 2)));
    const follower = new TestPublisher(server);
    await follower.client.refresh();
    const carol = new TestPublisher(server);
    const key = await carol.addKey('root');
    const carolRoot = await rootCertificate(await carol.store.get(keyId(key), PASSPHRASES), GUN as Gun, NOW);
    const next = [roots[1] as PublicKey, roots[2] as PublicKey, carolRoot];
    const byOne = await stageRoot(bob, next, 2);
    expect(await codeOf(bob.publisher.staging.publish(byOne))).toBe('no-signing-key');
    const byTwo = await cosigned(alice, byOne);
    await carol.publisher.staging.publish(byTwo);
    expect((await follower.client.refresh()).targets.snapshot.timestamp.root.signed.version as number).toBe(3);
  });

  test('a lower threshold is signed by the old one, and is never a slip: fewer keys alone are refused', async () => {
    await owner.publisher.staging.publish(await cosigned(alice, await stageRoot(owner, roots, 2)));
    const slip = owner.publisher.staging.stage((draft, now) =>
      rotateRole(draft, 'root', now, { keys: [roots[0] as PublicKey] }),
    );
    expect(await codeOf(slip)).toBe('bad-threshold');
    const lower = await stageRoot(owner, [roots[0] as PublicKey], 1);
    expect(await codeOf(owner.publisher.staging.publish(lower))).toBe('no-signing-key');
    await owner.publisher.staging.publish(await cosigned(bob, lower));
    expect((await bob.client.refresh()).targets.snapshot.timestamp.root.authority('root').role.threshold).toBe(1);
  });

  test('a root whose certificates speak for another repository would lock everybody out: nobody signs it', async () => {
    const opened = await alice.store.get(keyId(bareKey(roots[1] as PublicKey)), PASSPHRASES);
    const foreign = await rootCertificate(opened, 'registry.example.com/acme/other' as Gun, NOW);
    expect(await codeOf(stageRoot(owner, [foreign], 1))).toBe('bad-threshold');
  });

  test('the review of a root names keys by canonical ID, and the threshold before and after', async () => {
    const reviews = await alice.publisher.staging.review(sent(await stageRoot(owner, roots, 2)));
    expect(reviews[0]?.change.keys).toMatchObject([
      { role: 'root', threshold: { before: 1, after: 2 }, keys: 3, isNew: false },
    ]);
    expect(reviews[0]?.change.keys[0]?.addedKeys).toHaveLength(3);
    expect(reviews[0]?.change.expires).toEqual(expiryOf('root', NOW));
  });

  test('a root that names a key of no role is refused', async () => {
    const update = await stageRoot(owner, roots, 2);
    const files = update.files.map((file) => {
      const root = notaryV1.decodeSigned('root', file.signedBytes) as Root;
      const keys = new Map([...root.keys, [keyId(aliceKey), aliceKey]]);
      return { ...file, signedBytes: notaryV1.encodeSigned({ ...root, keys }) };
    });
    expect(files.map(({ role }) => role)).toEqual([ROOT]);
    expect(await codeOf(alice.publisher.staging.review({ ...update, files }))).toBe('malformed');
  });
});

test('an error of a staged update is a PublishError that names the role', async () => {
  const jump = altered(await stage(alice, 'v2'), () => ({ version: 7 as Version }));
  const error = await bob.publisher.staging.review(jump).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(PublishError);
  expect((error as PublishError).roles).toEqual([RELEASES]);
});
