// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { expectTrusted, trustedBy } from './support/clients.ts';
import { promise } from './support/journal.ts';
import { RecoveryWorld, stealKeys } from './support/recovery-world.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

describe('key compromise: the targets key of a repository is stolen', () => {
  let world: RecoveryWorld;
  let owner: User;
  let thief: User;
  let reader: User;
  let repository: string;
  let good: string;
  let evil: string;
  /** The trust server as it was while everybody trusted the thief. */
  let recorded: string;

  beforeAll(async () => {
    world = await RecoveryWorld.open();
    [owner, thief, reader] = ['owner', 'thief', 'reader'].map((name) => world.user(name)) as [User, User, User];
    repository = `${world.registry}/recovery/targets`;
    for (const tag of ['app', 'evil', 'new']) await world.unsignedImage(`${repository}:${tag}`, `content of ${tag}`);
    expect((await owner.hallmark('sign', `${repository}:app`)).code).toBe(0);
    good = (await trustedBy(reader, repository, 'app')).hallmark ?? '';
    await expectTrusted([reader], repository, 'app', good);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('the theft: the thief moves the tag to an image of his own, and everybody trusts it', async () => {
    expect(stealKeys(owner, thief, 'targets')).toHaveLength(1);
    expect((await thief.hallmark('sign', `${repository}:evil`)).code).toBe(0);
    evil = (await trustedBy(reader, repository, 'evil')).hallmark ?? '';
    expect((await thief.hallmark('sign', `${repository}:app@${evil}`)).code).toBe(0);
    await expectTrusted([reader], repository, 'app', evil);
    recorded = await world.stealServer('recorded');
  });

  promise('the owner rotates the targets key and puts the tags right', async () => {
    expect((await owner.hallmark('key', 'rotate', repository, 'targets')).code).toBe(0);
    expect((await owner.hallmark('revoke', `${repository}:evil`)).code).toBe(0);
    expect((await owner.hallmark('sign', `${repository}:app@${good}`)).code).toBe(0);
    const readers = [reader, world.user('newcomer')];
    await expectTrusted(readers, repository, 'app', good);
    await expectTrusted(readers, repository, 'evil', undefined);
  });

  promise('the thief publishes no more with it', async () => {
    const again = await thief.hallmark('sign', `${repository}:app@${evil}`);
    expect(again.code).toBe(1);
    expect((await thief.hallmark('key', 'rotate', repository, 'targets')).code).toBe(1);
    await expectTrusted([reader], repository, 'app', good);
  });

  promise("the thief's metadata, served again to who has seen the recovery, is refused", async () => {
    await world.divertTo(recorded);
    expect(await reader.hallmark('verify', `${repository}:app`)).toMatchObject({ code: 3, stdout: '' });
    const { docker, notary } = await trustedBy(reader, repository, 'app');
    expect([docker, notary]).not.toContain(evil);
    await world.divertBack();
    await expectTrusted([reader], repository, 'app', good);
  });

  promise('the owner signs on with the new key', async () => {
    expect((await owner.hallmark('sign', `${repository}:new`)).code).toBe(0);
    expect((await trustedBy(reader, repository, 'new')).docker).toStartWith('sha256:');
  });
});
