// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { ServerDouble, TestPublisher, targetOf } from '../../test/support/publishing-stage.ts';
import { refused, rejected } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { resigned, signedFile } from '../../test/support/signed-files.ts';
import { makeKey, type TestKey } from '../../test/support/test-keys.ts';
import { listTags, resolveTag } from '../client/index.ts';
import { firstTargets, type RoleName, TARGETS, withTarget } from '../tuf/index.ts';
import { changeDelegation } from './delegations.ts';

const RELEASES = 'targets/releases' as RoleName;
const ALICE = 'targets/alice' as RoleName;
const BOB = 'targets/bob' as RoleName;

/** v1 signed by targets before there were delegations, then by releases and alice; bob's key is elsewhere. */
async function stage() {
  const server = new ServerDouble();
  const user = new TestPublisher(server);
  await user.publisher.sign('v1', targetOf('old'));
  const [alice, bob] = [await user.addKey('alice'), makeKey()];
  await user.publisher.publish((draft, now) => {
    changeDelegation(draft, RELEASES, now, { addKeys: [alice], addPaths: [''] });
    changeDelegation(draft, ALICE, now, { addKeys: [alice], addPaths: [''] });
    changeDelegation(draft, BOB, now, { addKeys: [bob.listed], addPaths: [''] });
  });
  await user.publisher.sign('v1', targetOf('new'));
  await user.publisher.sign('v2', targetOf('two'));
  return { server, user, bob };
}

/** Bob signs a tag on his own machine. */
function signAs(server: ServerDouble, role: RoleName, key: TestKey, tag: string): Promise<void> {
  return server.publish(GUN, new Map([[role, signedFile(withTarget(firstTargets(NOW), tag, targetOf('new')), [key])]]));
}

describe('revoking a tag', () => {
  test('takes it from every role that holds it, from targets too: Docker leaves it trusted there', async () => {
    const { server, user } = await stage();
    const { roles } = await user.publisher.revoke('v1');
    const repository = await user.client.refresh();

    expect([...roles].sort()).toEqual([TARGETS, ALICE, RELEASES]);
    expect(server.versions(-1)).toEqual({ targets: 3, [RELEASES]: 3, [ALICE]: 3 });
    refused(() => resolveTag(repository, 'v1'), { name: 'VerificationError', code: 'unsigned' });
    expect(resolveTag(repository, 'v2').tag).toBe('v2');
  });

  test('that another signer lists as well says so, after it has taken away all trust', async () => {
    const { server, user, bob } = await stage();
    await signAs(server, BOB, bob, 'v1');
    const error = await rejected(user.publisher.revoke('v1'), { name: 'PublishError', code: 'incomplete' });

    expect(error).toMatchObject({ roles: [BOB] });
    expect(error.message).toContain(BOB);
    const repository = await user.client.refresh();
    refused(() => resolveTag(repository, 'v1'), { name: 'VerificationError', code: 'unsigned' });
  });

  test('that stays trusted by a role whose key is elsewhere does nothing at all', async () => {
    const { server, user } = await stage();
    const releaseManager = makeKey();
    await user.publisher.publish((draft, now) => {
      const [key] = draft.targets(TARGETS)?.delegations.roles.find(({ name }) => name === RELEASES)?.keyIds ?? [];
      changeDelegation(draft, RELEASES, now, {
        addKeys: [releaseManager.listed],
        ...(key === undefined ? {} : { removeKeys: [key] }),
      });
    });
    const file = server.files.get(RELEASES) as Uint8Array;
    await server.publish(
      GUN,
      new Map([[RELEASES, resigned(file, (body) => body.set('version', 9), [releaseManager])]]),
    );
    const before = server.sent.length;
    const error = await rejected(user.publisher.revoke('v1'), { name: 'PublishError', code: 'no-signing-key' });

    expect(error).toMatchObject({ roles: [RELEASES], keyIds: [releaseManager.id] });
    expect(server.sent).toHaveLength(before);
    expect(resolveTag(await user.client.refresh(), 'v1').tag).toBe('v1');
  });

  test('that only another signer lists is refused with their key', async () => {
    const { server, user, bob } = await stage();
    await signAs(server, BOB, bob, 'bobs');
    const before = server.sent.length;
    const error = await rejected(user.publisher.revoke('bobs'), { name: 'PublishError', code: 'no-signing-key' });

    expect(error).toMatchObject({ roles: [BOB], keyIds: [bob.id] });
    expect(server.sent).toHaveLength(before);
  });

  test('that nobody signed, or of a repository that nobody signed, is not-signed', async () => {
    const { server, user } = await stage();
    const before = server.sent.length;

    await rejected(user.publisher.revoke('v9'), { name: 'PublishError', code: 'not-signed' });
    await rejected(new TestPublisher(new ServerDouble()).publisher.revoke('v1'), {
      name: 'PublishError',
      code: 'not-signed',
    });
    expect(server.sent).toHaveLength(before);
  });

  test('while targets/releases is refused is refused: it may hold the tag', async () => {
    const { server, user } = await stage();
    const file = server.files.get(RELEASES) as Uint8Array;
    await server.publish(GUN, new Map([[RELEASES, resigned(file, (body) => body.set('version', 9), [makeKey()])]]));
    const before = server.sent.length;

    await rejected(user.publisher.revoke('v1'), { name: 'VerificationError', code: 'threshold', role: RELEASES });
    expect(server.sent).toHaveLength(before);
  });
});

describe('revoking everything', () => {
  test('empties every role that holds a tag', async () => {
    const { user } = await stage();
    await user.publisher.revoke();

    expect(listTags(await user.client.refresh())).toEqual([]);
    await rejected(user.publisher.revoke(), { name: 'PublishError', code: 'not-signed' });
  });
});
