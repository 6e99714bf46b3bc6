// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRootKey } from './support/certificates.ts';
import { expectTrusted, trustedBy } from './support/clients.ts';
import { promise } from './support/journal.ts';
import { RecoveryWorld, stealKeys } from './support/recovery-world.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

let world: RecoveryWorld;
beforeAll(async () => {
  world = await RecoveryWorld.open();
}, START_MILLISECONDS);
afterAll(() => world?.close());

/** A repository with one signed tag; the digest that it means. */
async function signedRepository(owner: User, reader: User, repository: string): Promise<string> {
  for (const tag of ['app', 'evil']) await world.unsignedImage(`${repository}:${tag}`, `${tag} of ${repository}`);
  expect((await owner.hallmark('sign', `${repository}:app`)).code).toBe(0);
  const { hallmark = '' } = await trustedBy(reader, repository, 'app');
  await expectTrusted([reader], repository, 'app', hallmark);
  return hallmark;
}

/** The versions and keys of the root that a user trusts. */
function trustedRoot(user: User, repository: string): { version: number; threshold: number; keyIds: string[] } {
  const file = join(user.trustDirectory, 'tuf', repository, 'metadata', 'root.json');
  const { signed } = JSON.parse(readFileSync(file, 'utf8'));
  return {
    version: signed.version,
    threshold: signed.roles.root.threshold,
    keyIds: signed.roles.root.keyids,
  };
}

describe('key compromise: one root key of three, of which two must sign, is stolen', () => {
  let owner: User;
  let people: [alice: User, bob: User, carol: User];
  let dave: User;
  let thief: User;
  let reader: User;
  let repository: string;
  let good: string;
  let certificates: string[];
  let daveCertificate: string;
  let before: readonly string[];

  beforeAll(async () => {
    [owner, dave, thief, reader] = ['owner', 'dave', 'thief', 'reader'].map((name) => world.user(name)) as [
      User,
      User,
      User,
      User,
    ];
    people = ['alice', 'bob', 'carol'].map((name) => world.user(name)) as [User, User, User];
    repository = `${world.registry}/recovery/root`;
    good = await signedRepository(owner, reader, repository);
    const directory = world.stage.makeDirectory('root-keys');
    certificates = [];
    for (const [index, name] of ['alice', 'bob', 'carol', 'dave'].entries()) {
      const { key, crt } = await makeRootKey(directory, name, repository);
      const person = people[index] ?? dave;
      expect((await person.hallmark('key', 'import', key, '--role', 'root')).code).toBe(0);
      if (person === dave) daveCertificate = crt;
      else certificates.push(crt);
    }
  }, START_MILLISECONDS);

  const keys = (files: readonly string[]) => files.flatMap((file) => ['--key', file]);
  /** The staged file, signed by one person after the other, each on their own machine. */
  async function signInTurn(from: User, name: string, signers: readonly User[]): Promise<void> {
    for (const signer of signers) {
      writeFileSync(join(signer.home, name), readFileSync(join(from.home, name)));
      expect((await signer.hallmark('cosign', name, '--yes')).code).toBe(0);
      writeFileSync(join(from.home, name), readFileSync(join(signer.home, name)));
    }
  }

  promise(
    'the root goes to three people: two of them sign it beside the old key, and every client follows',
    async () => {
      const stage = [
        'key',
        'rotate',
        repository,
        'root',
        ...keys(certificates),
        '--threshold',
        '2',
        '--stage',
        'ceremony',
      ];
      const staged = await owner.hallmark(...stage);
      expect(staged.code).toBe(0);
      expect(staged.stderr).toContain('  ~ root needs 2 of 3 keys, was 1\n');
      const early = await owner.hallmark('publish', 'ceremony');
      expect(early.code).toBe(1);
      await signInTurn(owner, 'ceremony', [people[0], people[1]]);
      expect((await owner.hallmark('publish', 'ceremony')).code).toBe(0);
      await expectTrusted([reader, world.user('newcomer')], repository, 'app', good);
      expect(trustedRoot(reader, repository)).toMatchObject({ version: 2, threshold: 2 });
      before = trustedRoot(reader, repository).keyIds;
    },
  );

  promise('the theft: with one root key of three the thief changes nothing', async () => {
    const [, , carol] = people;
    expect(stealKeys(carol, thief, 'root')).toHaveLength(1);
    expect((await thief.hallmark('key', 'rotate', repository, 'root', '--threshold', '1')).code).toBe(1);
    expect((await thief.hallmark('key', 'rotate', repository, 'targets')).code).toBe(1);
    const staged = await thief.hallmark('key', 'rotate', repository, 'targets', '--stage', 'theft');
    expect(staged.code).toBe(0);
    expect((await thief.hallmark('publish', 'theft')).code).toBe(1);
    await expectTrusted([reader], repository, 'app', good);
    expect(trustedRoot(reader, repository).version).toBe(2);
  });

  promise('S15 the thief who signs twice is still one of two', async () => {
    await expectNothingToSign(thief, 'theft');
    expect((await thief.hallmark('publish', 'theft')).code).toBe(1);
  });

  async function expectNothingToSign(user: User, file: string): Promise<void> {
    const again = await user.hallmark('cosign', file, '--yes');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('no key at hand has still to sign');
  }

  promise("the two others replace the stolen key by Dave's, and every client follows", async () => {
    const [alice, bob] = people;
    const next = [...certificates.slice(0, 2), daveCertificate];
    const staged = await alice.hallmark(...['key', 'rotate', repository, 'root', ...keys(next), '--stage', 'recovery']);
    expect(staged.code).toBe(0);
    expect((await alice.hallmark('publish', 'recovery')).code).toBe(1);
    await signInTurn(alice, 'recovery', [bob]);
    expect((await alice.hallmark('publish', 'recovery')).code).toBe(0);
    await expectTrusted([reader, world.user('late')], repository, 'app', good);
    const { version, keyIds, threshold } = trustedRoot(reader, repository);
    expect({ version, threshold }).toEqual({ version: 3, threshold: 2 });
    expect(keyIds.filter((id) => before.includes(id))).toHaveLength(2);
  });

  promise('the stolen key signs no root any more, not even with another one', async () => {
    const staged = await thief.hallmark('key', 'rotate', repository, 'targets', '--stage', 'again');
    expect(staged.code).toBe(0);
    expect(JSON.parse(readFileSync(join(thief.home, 'again'), 'utf8')).files[0].signatures).toEqual([]);
    const old = await people[0].hallmark('cosign', join(thief.home, 'theft'), '--yes');
    expect(old.code).toBe(1);
    expect(old.stderr).toContain('was staged on another state');
    await expectTrusted([reader], repository, 'app', good);
  });

  promise('the new three rotate on: Dave and Bob put the targets key under a key of their own', async () => {
    const staged = await dave.hallmark('key', 'rotate', repository, 'targets', '--stage', 'handover');
    expect(staged.code).toBe(0);
    await signInTurn(dave, 'handover', [people[1]]);
    expect((await dave.hallmark('publish', 'handover')).code).toBe(0);
    expect((await dave.hallmark('sign', `${repository}:app@${good}`)).code).toBe(0);
    expect((await owner.hallmark('sign', `${repository}:evil`)).code).toBe(1);
    await expectTrusted([reader], repository, 'app', good);
  });
});

describe('a lost root key, with a backup of the key files', () => {
  let owner: User;
  let reader: User;
  let repository: string;
  let good: string;
  let backup: string;

  beforeAll(async () => {
    [owner, reader] = [world.user('unlucky'), world.user('customer')];
    repository = `${world.registry}/recovery/lost`;
    good = await signedRepository(owner, reader, repository);
    backup = join(world.stage.makeDirectory('backup'), 'keys');
    cpSync(join(owner.trustDirectory, 'private'), backup, { recursive: true });
    rmSync(owner.trustDirectory, { recursive: true });
  }, START_MILLISECONDS);

  promise('without its keys nobody signs, and no new root is slipped in', async () => {
    expect((await owner.hallmark('sign', `${repository}:evil`)).code).toBe(1);
    expect((await owner.hallmark('key', 'rotate', repository, 'root')).code).toBe(1);
    await expectTrusted([reader], repository, 'app', good);
  });

  promise('from the backup the owner signs again, on an empty machine', async () => {
    rmSync(owner.trustDirectory, { recursive: true });
    const files = readdirSync(backup).map((file) => join(backup, file));
    expect((await owner.hallmark('key', 'import', ...files)).code).toBe(0);
    expect((await owner.hallmark('sign', `${repository}:again@${good}`)).code).toBe(0);
    await expectTrusted([reader], repository, 'again', good);
  });

  promise('the root key that was lost is replaced, and clients of before and after follow', async () => {
    expect((await owner.hallmark('key', 'rotate', repository, 'root')).code).toBe(0);
    await expectTrusted([reader, world.user('new-customer')], repository, 'app', good);
    expect(trustedRoot(reader, repository)).toMatchObject({ version: 2, threshold: 1 });
  });

  promise('whoever finds the lost key changes nothing with it', async () => {
    const finder = world.user('finder');
    const files = readdirSync(backup).map((file) => join(backup, file));
    const roots = files.filter((file) => readFileSync(file, 'utf8').includes('role: root'));
    expect((await finder.hallmark('key', 'import', ...roots)).code).toBe(0);
    expect((await finder.hallmark('key', 'rotate', repository, 'targets')).code).toBe(1);
    await expectTrusted([reader], repository, 'app', good);
  });
});
