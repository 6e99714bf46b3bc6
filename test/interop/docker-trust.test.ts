// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { join } from 'node:path';
import { hexOf, pushedDigest, trustInspection } from './support/digests.ts';
import { promise } from './support/journal.ts';
import { trustServerUnderTest } from './support/programs.ts';
import { REPOSITORY_PASSPHRASE, type User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

describe('Docker CLI: docker trust', () => {
  let world: World;
  let owner: User;
  let alice: User;
  let bob: User;
  let reader: User;
  let repository: string;

  beforeAll(async () => {
    world = await openWorld(trustServerUnderTest());
    [owner, alice, bob, reader] = [world.user('owner'), world.user('alice'), world.user('bob'), world.user('reader')];
    repository = `${world.registry}/interop/team`;
    for (const tag of ['1', '2', '3', 'plain']) await world.image(`${repository}:${tag}`, `content of ${tag}`);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const inspect = async (image: string) => trustInspection(await reader.docker('trust', 'inspect', image));
  const signedTags = async (image: string) => (await inspect(image)).SignedTags.map((tag) => tag.SignedTag);

  promise('inspect of a repository without trust data fails and shows an empty list', async () => {
    const outcome = await reader.docker('trust', 'inspect', repository);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toBe('[]\n');
    expect(outcome.stderr).toContain(`o signatures or cannot access ${repository}`);
  });

  promise('key generate asks twice for a passphrase and writes the public key', async () => {
    const session = alice.dockerOnTerminal('trust', 'key', 'generate', 'alice');
    const asked = await session.expect(/Enter passphrase for new alice key with ID ([0-9a-f]{7}): $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Repeat passphrase for new alice key with ID ${asked[1]}: $`));
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(/Successfully generated and loaded private key\. Corresponding public key available: /);
    expect(await session.exit()).toBe(0);
    expect((await bob.docker('trust', 'key', 'generate', 'bob')).code).toBe(0);
  });

  promise('signer add makes the repository when there is none, then adds the signers', async () => {
    const publicKey = (user: User, name: string) => join(user.home, `${name}.pub`);
    const first = await owner.docker('trust', 'signer', 'add', '--key', publicKey(alice, 'alice'), 'alice', repository);
    expect(first.code).toBe(0);
    expect(first.stdout).toContain(`Adding signer "alice" to ${repository}...\n`);
    expect(first.stdout).toContain(`Initializing signed repository for ${repository}...\n`);
    expect(first.stdout).toContain(`Successfully initialized "${repository}"\n`);
    expect(first.stdout).toContain(`Successfully added signer: alice to ${repository}\n`);
    const second = await owner.docker('trust', 'signer', 'add', '--key', publicKey(bob, 'bob'), 'bob', repository);
    expect(second.code).toBe(0);
    expect(second.stdout).not.toContain('Initializing');
    expect((await inspect(repository)).Signers.map((signer) => signer.Name)).toEqual(['bob', 'alice']);
  });

  promise('a signer signs with their own key, asked for on the terminal', async () => {
    const session = alice.dockerOnTerminal('trust', 'sign', `${repository}:1`);
    await session.expect(/Enter passphrase for alice key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Successfully signed ${repository}:1\r\n`));
    expect(await session.exit()).toBe(0);
    const digest = hexOf(pushedDigest({ output: session.transcript }));
    expect((await inspect(repository)).SignedTags).toEqual([{ SignedTag: '1', Digest: digest, Signers: ['alice'] }]);
  });

  promise('a second signer of the same digest is named beside the first', async () => {
    const sign = await bob.docker('trust', 'sign', `${repository}:1`);
    expect(sign.code).toBe(0);
    expect(sign.output).toContain('Existing signatures for tag 1 digest ');
    expect(sign.output).toContain('from:\nalice\n');
    expect((await inspect(`${repository}:1`)).SignedTags[0]?.Signers).toEqual(['alice', 'bob']);
  });

  promise('a push by a signer signs as that signer', async () => {
    const push = await bob.docker('push', `${repository}:2`);
    expect(push.code).toBe(0);
    const { SignedTags } = await inspect(`${repository}:2`);
    expect(SignedTags).toEqual([{ SignedTag: '2', Digest: hexOf(pushedDigest(push)), Signers: ['bob'] }]);
  });

  promise('the owner, who holds no delegation key, cannot sign where delegations exist', async () => {
    const push = await owner.docker('push', `${repository}:3`);
    expect(push.code).toBe(1);
    expect(push.stderr).toContain(`failed to sign ${repository}:3: no valid signing keys for delegation roles`);
    expect(await signedTags(repository)).toEqual(['1', '2']);
  });

  promise('a reader pulls what signers released, by the signed digest', async () => {
    await reader.untrusted('rmi', '--force', `${repository}:1`);
    const [signed] = (await inspect(`${repository}:1`)).SignedTags;
    const pull = await reader.docker('pull', `${repository}:1`);
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:1@sha256:${signed?.Digest}\n`);
  });

  promise('inspect --pretty shows tags, signers and administrative keys', async () => {
    const { stdout, code } = await reader.docker('trust', 'inspect', '--pretty', repository);
    const tags = (await inspect(repository)).SignedTags;
    expect(code).toBe(0);
    expect(stdout).toContain(`Signatures for ${repository}\n\n`);
    expect(stdout).toMatch(/^SIGNED TAG +DIGEST +SIGNERS$/m);
    expect(stdout).toMatch(new RegExp(`^1 +${tags[0]?.Digest} +alice, bob$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^2 +${tags[1]?.Digest} +bob$`, 'm'));
    expect(stdout).toContain(`List of signers and their keys for ${repository}\n\n`);
    expect(stdout).toMatch(/^alice +[0-9a-f]{12}$/m);
    expect(stdout).toMatch(/^ {2}Repository Key:\t[0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^ {2}Root Key:\t[0-9a-f]{64}$/m);
  });

  promise('revoke of a tag by a signer takes it from what readers trust', async () => {
    const revoke = await bob.docker('trust', 'revoke', `${repository}:2`);
    expect(revoke.code).toBe(0);
    expect(revoke.stdout).toContain(`Successfully deleted signature for ${repository}:2\n`);
    expect(await signedTags(repository)).toEqual(['1']);
    const pull = await reader.docker('pull', `${repository}:2`);
    expect(pull.code).toBe(1);
    expect(pull.stderr).toBe('No valid trust data for 2\n');
  });

  promise('revoke of a whole repository asks first, and does nothing on no', async () => {
    const plain = `${world.registry}/interop/plain`;
    await owner.untrusted('tag', `${repository}:plain`, `${plain}:1`);
    expect((await owner.docker('push', `${plain}:1`)).code).toBe(0);
    const question = /onfirm you would like to delete all signature data for \S+\? \[y\/N\] $/;

    const no = owner.dockerOnTerminal('trust', 'revoke', plain);
    await no.expect(question);
    no.send('n\n');
    await no.exit();
    expect(await signedTags(plain)).toEqual(['1']);

    const yes = owner.dockerOnTerminal('trust', 'revoke', plain);
    await yes.expect(question);
    yes.send('y\n');
    await yes.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
    await yes.sendSecret(REPOSITORY_PASSPHRASE);
    await yes.expect(new RegExp(`Successfully deleted signature for ${plain}\r\n`));
    expect(await yes.exit()).toBe(0);
    expect(await signedTags(plain)).toEqual([]);
  });
});
