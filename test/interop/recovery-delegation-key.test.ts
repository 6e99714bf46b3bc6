// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { makeDelegationKey } from './support/certificates.ts';
import { expectTrusted, trustedBy } from './support/clients.ts';
import { promise } from './support/journal.ts';
import { RecoveryWorld, stealKeys } from './support/recovery-world.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const RELEASES = 'targets/releases';

describe('key compromise: the key of a delegation is stolen', () => {
  let world: RecoveryWorld;
  let owner: User;
  let alice: User;
  let thief: User;
  let reader: User;
  let repository: string;
  let stolen: string;
  let good: string;

  beforeAll(async () => {
    world = await RecoveryWorld.open();
    [owner, alice, thief, reader] = ['owner', 'alice', 'thief', 'reader'].map((name) => world.user(name)) as [
      User,
      User,
      User,
      User,
    ];
    repository = `${world.registry}/recovery/delegation`;
    for (const tag of ['first', '1', 'evil']) await world.unsignedImage(`${repository}:${tag}`, `content of ${tag}`);
    expect((await owner.hallmark('sign', `${repository}:first`)).code).toBe(0);
    const crt = await giveKey('alice');
    expect((await owner.hallmark('delegation', 'add', repository, RELEASES, crt, '--all-paths')).code).toBe(0);
    expect((await alice.hallmark('sign', `${repository}:1`)).code).toBe(0);
    const { hallmark } = await trustedBy(reader, repository, '1');
    good = hallmark ?? '';
    await expectTrusted([reader], repository, '1', good);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  /** Makes a key for Alice, puts it into her trust directory, and gives its certificate. */
  async function giveKey(name: string): Promise<string> {
    const { key, crt } = await makeDelegationKey(world.stage.makeDirectory('delegation-keys'), name);
    expect((await alice.hallmark('key', 'import', key, '--role', name)).code).toBe(0);
    return crt;
  }

  promise('the theft: with the stolen key the thief signs an image of his own, and everybody trusts it', async () => {
    [stolen = ''] = stealKeys(alice, thief, 'alice');
    expect((await thief.hallmark('sign', `${repository}:evil`)).code).toBe(0);
    expect((await trustedBy(reader, repository, 'evil')).docker).toStartWith('sha256:');
  });

  promise('the owner takes the key away: nothing that it signed is trusted any more', async () => {
    const crt = await giveKey('alice-again');
    expect((await owner.hallmark('delegation', 'add', repository, RELEASES, crt)).code).toBe(0);
    const purge = await owner.hallmark('delegation', 'purge', repository, '--key', stolen);
    expect(purge).toMatchObject({ code: 0, stdout: `Removed ${stolen} from ${RELEASES}\n` });
    for (const tag of ['evil', '1'])
      expect(await reader.hallmark('verify', `${repository}:${tag}`)).toMatchObject({ code: 3, stdout: '' });
    const { docker, notary } = await trustedBy(world.user('newcomer'), repository, 'evil');
    expect([docker, notary]).toEqual([undefined, undefined]);
  });

  promise('the thief publishes no more with it', async () => {
    const again = await thief.hallmark('sign', `${repository}:evil`);
    expect(again.code).not.toBe(0);
    expect(await reader.hallmark('verify', `${repository}:evil`)).toMatchObject({ code: 3 });
  });

  promise(
    'Alice starts the delegation anew with her new key, signs her release, and everybody trusts it again',
    async () => {
      const restart = await alice.hallmark('delegation', 'restart', repository, RELEASES);
      expect(restart).toMatchObject({ code: 0, stdout: `Delegation ${RELEASES} starts anew, with nothing signed\n` });
      expect((await alice.hallmark('sign', `${repository}:1`)).code).toBe(0);
      const readers = [reader, world.user('late')];
      await expectTrusted(readers, repository, '1', good);
      await expectTrusted(readers, repository, 'evil', undefined);
    },
  );

  promise('the stolen key signs nothing for the role that it was taken from', async () => {
    const late = await thief.hallmark('sign', '--role', RELEASES, `${repository}:evil`);
    expect(late.code).toBe(1);
    await expectTrusted([reader], repository, 'evil', undefined);
  });
});
