// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { memoryKeyStore } from '../../test/support/memory-keys.ts';
import { PASSPHRASES, ServerDouble, TestPublisher, targetOf } from '../../test/support/publishing-stage.ts';
import { rejected } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { resigned } from '../../test/support/signed-files.ts';
import { makeKey } from '../../test/support/test-keys.ts';
import { resolveTag } from '../client/index.ts';
import { type DelegationChange, hash, notaryV1, ROOT, type RoleName, SNAPSHOT, TARGETS } from '../tuf/index.ts';
import { changeDelegation } from './delegations.ts';

const RELEASES = 'targets/releases' as RoleName;
const ALICE = 'targets/alice' as RoleName;
const BOB = 'targets/bob' as RoleName;

const digest = (content: string) =>
  `sha256:${Buffer.from(hash('sha256', new TextEncoder().encode(content))).toString('hex')}`;

/** Changes a delegation and publishes it, as the holder of the targets key. */
function delegate(user: TestPublisher, role: RoleName, change: DelegationChange) {
  return user.publisher.publish((draft, now) => changeDelegation(draft, role, now, { addPaths: [''], ...change }));
}

async function signed() {
  const server = new ServerDouble();
  const user = new TestPublisher(server);
  await user.publisher.sign('v1', targetOf('one'));
  return { server, user };
}

/** A repository with targets/releases and two signers, of whom this user is alice. */
async function delegated() {
  const { server, user } = await signed();
  const [alice, bob] = [await user.addKey('alice'), makeKey()];
  await delegate(user, RELEASES, { addKeys: [alice, bob.listed] });
  await delegate(user, ALICE, { addKeys: [alice] });
  await delegate(user, BOB, { addKeys: [bob.listed] });
  return { server, user, alice, bob };
}

describe('the first publish', () => {
  test('makes a root and a targets key, and sends root and targets alone', async () => {
    const server = new ServerDouble();
    let announced = 0;
    const user = new TestPublisher(server, { onNewRootKey: () => announced++ });
    const published = await user.publisher.sign('v1', targetOf('one'));
    const { keys } = await user.store.list();

    expect(published).toEqual({ roles: [ROOT, TARGETS], initialized: true });
    expect(server.versions(0)).toEqual({ root: 1, targets: 1 });
    expect(keys.map(({ role, gun }) => [role, gun as string | undefined]).sort()).toEqual([
      ['root', undefined],
      ['targets', GUN as string],
    ] as never);
    expect(announced).toBe(1);
    expect(resolveTag(await user.client.refresh(), 'v1').digest).toBe(digest('one'));
  });

  test('takes the root key that is there, and announces none', async () => {
    const { user } = await signed();
    const server = new ServerDouble();
    let announced = 0;
    const again = new TestPublisher(server, {
      onNewRootKey: () => announced++,
      keys: { store: user.store, passphrases: PASSPHRASES },
    });
    await again.publisher.sign('v1', targetOf('one'));

    expect((await user.store.list()).keys.filter(({ role }) => role === 'root')).toHaveLength(1);
    expect(announced).toBe(0);
  });

  test("signs the snapshot too when its key is the publisher's", async () => {
    const server = new ServerDouble();
    const user = new TestPublisher(server, { clientSnapshot: true });
    await user.publisher.sign('v1', targetOf('one'));
    await user.publisher.sign('v2', targetOf('two'));

    expect([server.versions(0), server.versions(1)]).toEqual([
      { root: 1, targets: 1, snapshot: 1 },
      { targets: 2, snapshot: 2 },
    ]);
    expect(resolveTag(await new TestPublisher(server).client.refresh(), 'v2').digest).toBe(digest('two'));
    const { meta } = notaryV1.decode('snapshot', server.files.get(SNAPSHOT) as Uint8Array).signed;
    expect(meta.get(ROOT)).toEqual(notaryV1.pin(server.files.get(ROOT) as Uint8Array));
  });

  test('that failed leaves keys that the next attempt takes', async () => {
    const server = new ServerDouble();
    const user = new TestPublisher(server);
    server.conflicts = 99;
    await rejected(user.publisher.sign('v1', targetOf('one')), { name: 'PublishError', code: 'conflict' });
    server.conflicts = 0;
    await user.publisher.sign('v1', targetOf('one'));

    expect((await user.store.list()).keys).toHaveLength(2);
  });
});

describe('signing a tag', () => {
  test('a second one sends targets alone, one version on, and keeps the first', async () => {
    const { server, user } = await signed();
    const published = await user.publisher.sign('v2', targetOf('two'));
    const repository = await user.client.refresh();

    expect(published).toEqual({ roles: [TARGETS], initialized: false });
    expect(server.versions(-1)).toEqual({ targets: 2 });
    expect([resolveTag(repository, 'v1').digest, resolveTag(repository, 'v2').digest]).toEqual([
      digest('one'),
      digest('two'),
    ]);
  });

  test('that is signed for the same content already publishes nothing', async () => {
    const { server, user } = await signed();

    expect(await user.publisher.sign('v1', targetOf('one'))).toEqual({ roles: [], initialized: false });
    expect(server.sent).toHaveLength(1);
  });

  test('that moves is published', async () => {
    const { user } = await signed();
    await user.publisher.sign('v1', targetOf('moved'));

    expect(resolveTag(await user.client.refresh(), 'v1').digest).toBe(digest('moved'));
  });

  test('without the key sends nothing and names it', async () => {
    const { server, user } = await signed();
    const other = new TestPublisher(server);
    const error = await rejected(other.publisher.sign('v2', targetOf('two')), {
      name: 'PublishError',
      code: 'no-signing-key',
    });
    const targetsKey = (await user.store.list()).keys.find(({ role }) => role === 'targets')?.keyId ?? '';

    expect(error.message).toContain(targetsKey);
    expect(server.sent).toHaveLength(1);
  });

  test('with a name that no terminal should see is refused', async () => {
    const { server, user } = await signed();

    await rejected(user.publisher.sign('v1\x1b[2J', targetOf('x')), { name: 'MetadataError', code: 'malformed' });
    expect(server.sent).toHaveLength(1);
  });
});

describe('signing with delegations, as Docker does', () => {
  test('goes into every delegation whose key is at hand, and not into targets', async () => {
    const { server, user } = await delegated();
    const published = await user.publisher.sign('v2', targetOf('two'));

    expect([...published.roles].sort()).toEqual([ALICE, RELEASES]);
    expect(server.versions(-1)).toEqual({ [RELEASES]: 1, [ALICE]: 1 });
    expect(resolveTag(await user.client.refresh(), 'v2')).toMatchObject({ digest: digest('two'), role: RELEASES });
  });

  test('without the key of any sends nothing, though the targets key is at hand', async () => {
    const { server, user } = await signed();
    await delegate(user, BOB, { addKeys: [makeKey().listed] });
    const before = server.sent.length;
    const error = await rejected(user.publisher.sign('v2', targetOf('two')), {
      name: 'PublishError',
      code: 'no-delegation-key',
    });

    expect(error).toMatchObject({ roles: [BOB] });
    expect(server.sent).toHaveLength(before);
    // the roles that may sign the tag, of which no key would help where there are none
    await delegate(user, BOB, { addPaths: ['rc-'], removePaths: [''] });
    const outside = await rejected(user.publisher.sign('v2', targetOf('two')), { code: 'no-delegation-key' });
    expect(outside).toMatchObject({ roles: [] });
  });

  test('leaves out delegations whose paths do not allow the tag', async () => {
    const { user } = await delegated();
    await delegate(user, RELEASES, { addPaths: ['rc-'], removePaths: [''] });

    expect([...(await user.publisher.sign('v3', targetOf('x'))).roles]).toEqual([ALICE]);
    expect([...(await user.publisher.sign('rc-1', targetOf('x'))).roles].sort()).toEqual([ALICE, RELEASES]);
  });

  test('leaves out delegations whose threshold the keys at hand do not reach', async () => {
    const { user, bob } = await delegated();
    await delegate(user, RELEASES, { addKeys: [bob.listed], threshold: 2 });

    expect([...(await user.publisher.sign('v2', targetOf('two'))).roles]).toEqual([ALICE]);
  });

  test('does not build upon a delegation that is refused', async () => {
    const { server, user } = await delegated();
    await user.publisher.sign('v2', targetOf('two'));
    const file = server.files.get(RELEASES) as Uint8Array;
    await server.publish(GUN, new Map([[RELEASES, resigned(file, (body) => body.set('version', 2), [makeKey()])]]));
    const before = server.sent.length;

    await rejected(user.publisher.sign('v3', targetOf('three')), {
      name: 'VerificationError',
      code: 'threshold',
      role: RELEASES,
    });
    expect(server.sent).toHaveLength(before);
  });
});

describe('somebody else was faster', () => {
  test('the edit is made anew on their state, and nothing of theirs is lost', async () => {
    const { server, user } = await signed();
    const colleague = new TestPublisher(server, { keys: { store: user.store, passphrases: PASSPHRASES } });
    server.onConflict = () => colleague.publisher.sign('theirs', targetOf('theirs'));
    server.conflicts = 1;
    await user.publisher.sign('mine', targetOf('mine'));
    const repository = await user.client.refresh();

    expect(server.sent).toHaveLength(4);
    expect(server.versions(-1)).toEqual({ targets: 3 });
    for (const tag of ['v1', 'mine', 'theirs']) expect(resolveTag(repository, tag).tag).toBe(tag);
  });

  test('also at the first publish: the repository that is there now is taken', async () => {
    const server = new ServerDouble();
    const user = new TestPublisher(server);
    const colleague = new TestPublisher(server, { keys: { store: user.store, passphrases: PASSPHRASES } });
    server.onConflict = () => colleague.publisher.sign('theirs', targetOf('theirs'));
    server.conflicts = 1;

    expect(await user.publisher.sign('mine', targetOf('mine'))).toEqual({ roles: [TARGETS], initialized: false });
  });

  test('again and again: it gives up after five attempts with that error', async () => {
    const { server, user } = await signed();
    server.conflicts = 99;

    await rejected(user.publisher.sign('v2', targetOf('two')), { name: 'PublishError', code: 'conflict' });
    expect(server.sent).toHaveLength(6);
  });
});

describe('its own output is verified before it is sent', () => {
  for (const [what, garbage] of [
    ['random bytes', new Uint8Array(64).fill(7)],
    ['nothing', new Uint8Array()],
    ['far too much', new Uint8Array(100_000)],
  ] as const) {
    test(`a signer that returns ${what} gets nothing sent`, async () => {
      const { server, user } = await signed();
      const broken = Object.assign(Object.create(user.store), {
        list: () => user.store.list(),
        get: async (id: never) => {
          const key = await user.store.get(id, PASSPHRASES);
          return { ...key, key: key.key, keyId: key.keyId, sign: async () => garbage };
        },
      });
      const other = new TestPublisher(server, { keys: { store: broken, passphrases: PASSPHRASES } });

      await rejected(other.publisher.sign('v2', targetOf('two')), { name: 'PublishError', code: 'no-signing-key' });
      expect(server.sent).toHaveLength(1);
    });
  }

  test('a signer that fails gets nothing sent', async () => {
    const { server, user } = await signed();
    const failing = { list: () => user.store.list(), get: () => Promise.reject(new Error('token was pulled out')) };
    const other = new TestPublisher(server, {
      keys: { store: Object.assign(memoryKeyStore(), failing), passphrases: PASSPHRASES },
    });

    await expect(other.publisher.sign('v2', targetOf('two'))).rejects.toThrow('token was pulled out');
    expect(server.sent).toHaveLength(1);
  });

  test('every file sent is in the stored form and newer than what it follows', async () => {
    const { server, user } = await delegated();
    await user.publisher.sign('v2', targetOf('two'));
    for (const update of server.sent)
      for (const [role, file] of update) notaryV1.decodeCanonical(role === ROOT ? 'root' : 'targets', file);
    expect(NOW.getTime()).toBeLessThan(
      notaryV1.decode('targets', server.files.get(TARGETS) as Uint8Array).signed.expires.getTime(),
    );
  });
});
