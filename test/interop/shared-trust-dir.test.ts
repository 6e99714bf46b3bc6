// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pushedDigest, trustInspection } from './support/digests.ts';
import { promise } from './support/journal.ts';
import { trustServerUnderTest } from './support/programs.ts';
import { NOTARY_PASSPHRASES, REPOSITORY_PASSPHRASE, type User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

describe('one trust directory, used by docker and hallmark in turns', () => {
  let world: World;
  let reader: User;

  beforeAll(async () => {
    world = await openWorld(trustServerUnderTest());
    reader = world.user('reader');
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const keysOf = (user: User) => readdirSync(join(user.trustDirectory, 'private')).sort();

  async function images(repository: string, ...tags: string[]): Promise<void> {
    for (const tag of tags) await world.image(`${repository}:${tag}`, `${repository} ${tag}`);
  }

  /** Docker, notary and Hallmark, each as a newcomer and as the publisher, see the same signed tags. */
  async function expectEverybodySees(publisher: User, repository: string, tags: readonly string[]): Promise<void> {
    for (const user of [reader, publisher]) {
      const { SignedTags } = trustInspection(await user.docker('trust', 'inspect', repository));
      expect(SignedTags.map((tag) => tag.SignedTag)).toEqual([...tags]);
      for (const { SignedTag, Digest } of SignedTags) {
        const image = `${repository}:${SignedTag}`;
        expect(await user.hallmark('verify', image)).toMatchObject({ code: 0, stdout: `${image}@sha256:${Digest}\n` });
      }
    }
    const lookup = await publisher.notaryOnDockerTrust('lookup', repository, tags[0] ?? '');
    expect(lookup.code).toBe(0);
  }

  promise('docker makes the keys, hallmark signs with them, docker goes on', async () => {
    const publisher = world.user('docker-first');
    const repository = `${world.registry}/interop/docker-first`;
    await images(repository, '1', '2', '3');
    expect((await publisher.docker('push', `${repository}:1`)).code).toBe(0);
    const keys = keysOf(publisher);
    expect((await publisher.hallmark('push', `${repository}:2`)).code).toBe(0);
    expect((await publisher.docker('push', `${repository}:3`)).code).toBe(0);
    expect(keysOf(publisher)).toEqual(keys);
    await expectEverybodySees(publisher, repository, ['1', '2', '3']);
  });

  promise('hallmark makes the keys, docker signs with them, hallmark goes on', async () => {
    const publisher = world.user('hallmark-first');
    const repository = `${world.registry}/interop/hallmark-first`;
    await images(repository, '1', '2', '3');
    expect((await publisher.hallmark('push', `${repository}:1`)).code).toBe(0);
    const keys = keysOf(publisher);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(statSync(join(publisher.trustDirectory, 'private', key)).mode & 0o777).toBe(0o600);
    expect((await publisher.docker('push', `${repository}:2`)).code).toBe(0);
    expect((await publisher.hallmark('push', `${repository}:3`)).code).toBe(0);
    expect(keysOf(publisher)).toEqual(keys);
    await expectEverybodySees(publisher, repository, ['1', '2', '3']);
  });

  promise(
    'hallmark asks for the passphrase of a key that docker made, and docker for one that hallmark made',
    async () => {
      const publisher = world.user('asked');
      const [byDocker, byHallmark] = [`${world.registry}/interop/asked-1`, `${world.registry}/interop/asked-2`];
      await images(byDocker, '1', '2');
      await images(byHallmark, '1', '2');
      expect((await publisher.docker('push', `${byDocker}:1`)).code).toBe(0);
      expect((await publisher.hallmark('push', `${byHallmark}:1`)).code).toBe(0);
      const sessions = [
        publisher.hallmarkOnTerminal('push', `${byDocker}:2`),
        publisher.dockerOnTerminal('push', `${byHallmark}:2`),
      ];
      for (const session of sessions) {
        await session.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
        await session.sendSecret(REPOSITORY_PASSPHRASE);
        await session.expect(/Successfully signed \S+:2\r?\n/);
        expect(await session.exit()).toBe(0);
      }
      // One root key for both repositories, whoever made it.
      expect(keysOf(publisher)).toHaveLength(3);
    },
  );

  promise('notary lists the keys that hallmark made, by role and repository', async () => {
    const publisher = world.user('listed');
    const repository = `${world.registry}/interop/listed`;
    await images(repository, '1');
    expect((await publisher.hallmark('push', `${repository}:1`)).code).toBe(0);
    const list = await publisher.notaryOnDockerTrust('key', 'list');
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(/^root +[0-9a-f]{64} /m);
    expect(list.stdout).toMatch(/^targets +\S+ +[0-9a-f]{64} /m);
    const exported = await publisher.notaryOnDockerTrust('key', 'export', '--gun', repository);
    expect(exported.stdout).toContain(`gun: ${repository}\n`);
    expect(exported.stdout).not.toContain(NOTARY_PASSPHRASES.NOTARY_TARGETS_PASSPHRASE);
  });

  promise('a signer whose key docker made signs with hallmark as that signer', async () => {
    const [owner, alice] = [world.user('owner'), world.user('alice')];
    const repository = `${world.registry}/interop/signers`;
    await images(repository, '1', '2');
    expect((await alice.docker('trust', 'key', 'generate', 'alice')).code).toBe(0);
    const add = ['trust', 'signer', 'add', '--key', join(alice.home, 'alice.pub'), 'alice', repository];
    expect((await owner.docker(...add)).code).toBe(0);
    expect((await alice.hallmark('push', `${repository}:1`)).code).toBe(0);
    const second = await alice.docker('push', `${repository}:2`);
    const { SignedTags } = trustInspection(await reader.docker('trust', 'inspect', repository));
    expect(SignedTags.map((tag) => [tag.SignedTag, tag.Signers])).toEqual([
      ['1', ['alice']],
      ['2', ['alice']],
    ]);
    const verified = await reader.hallmark('verify', '--json', `${repository}:2`);
    expect(JSON.parse(verified.stdout)).toMatchObject({ digest: pushedDigest(second), role: 'targets/releases' });
  });

  promise('revoked by one, a tag is refused by the other', async () => {
    const publisher = world.user('revoker');
    const repository = `${world.registry}/interop/revoked`;
    await images(repository, '1', '2');
    for (const tag of ['1', '2']) expect((await publisher.docker('push', `${repository}:${tag}`)).code).toBe(0);
    expect((await publisher.docker('trust', 'revoke', `${repository}:1`)).code).toBe(0);
    expect((await publisher.hallmark('verify', `${repository}:1`)).code).toBe(3);
    expect((await publisher.hallmark('revoke', `${repository}:2`)).code).toBe(0);
    const pull = await publisher.docker('pull', `${repository}:2`);
    expect(pull.code).toBe(1);
  });
});
