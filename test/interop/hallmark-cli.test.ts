// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { hexOf, trustInspection } from './support/digests.ts';
import { promise } from './support/journal.ts';
import { PASSPHRASES, REPOSITORY_PASSPHRASE, ROOT_PASSPHRASE, snapshotOfFiles, type User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

describe('hallmark CLI against notary-server, docker-registry and dockerd', () => {
  let world: World;
  let publisher: User;
  let reader: User;
  let repository: string;

  beforeAll(async () => {
    world = await openWorld('notary');
    [publisher, reader] = [world.user('publisher'), world.user('reader')];
    repository = `${world.registry}/interop/app`;
    for (const tag of ['1', '2', '3', '4', 'unsigned']) await world.image(`${repository}:${tag}`, `content of ${tag}`);
    await publisher.untrusted('push', `${repository}:unsigned`);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  /** What the registry answers for a tag, as the engine learnt it at the push. */
  async function digestOf(image: string): Promise<string> {
    const { stdout } = await publisher.untrusted('image', 'inspect', '--format', '{{index .RepoDigests 0}}', image);
    return stdout.trim().split('@')[1] ?? '';
  }

  promise('the first push makes a root and a repository key, asking twice for each passphrase', async () => {
    const session = publisher.hallmarkOnTerminal('push', `${repository}:1`);
    await session.expect(/You are about to create a new root signing key passphrase\./);
    await session.expect(/Enter passphrase for new root key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(ROOT_PASSPHRASE);
    await session.expect(/Repeat passphrase for new root key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(ROOT_PASSPHRASE);
    await session.expect(/Enter passphrase for new repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(/Repeat passphrase for new repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Finished initializing "${repository}"`));
    await session.expect(new RegExp(`Successfully signed ${repository}:1`));
    expect(await session.exit()).toBe(0);
    expect(session.transcript).not.toContain(ROOT_PASSPHRASE);
    expect(session.transcript).not.toContain(REPOSITORY_PASSPHRASE);
  });

  promise('the second push asks for the passphrase of the repository key alone', async () => {
    const session = publisher.hallmarkOnTerminal('push', `${repository}:2`);
    await session.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Successfully signed ${repository}:2`));
    expect(await session.exit()).toBe(0);
    expect(session.transcript).not.toContain('root key');
  });

  promise('a push with passphrases from the environment asks nothing', async () => {
    const push = await publisher.hallmark('push', `${repository}:3`);
    expect(push.code).toBe(0);
    expect(push.output).toContain(`Successfully signed ${repository}:3\n`);
  });

  promise('docker inspects and pulls what hallmark published', async () => {
    const { SignedTags } = trustInspection(await reader.docker('trust', 'inspect', repository));
    expect(SignedTags.map((tag) => [tag.SignedTag, tag.Signers])).toEqual([
      ['1', ['Repo Admin']],
      ['2', ['Repo Admin']],
      ['3', ['Repo Admin']],
    ]);
    const digest = await digestOf(`${repository}:1`);
    expect(SignedTags[0]?.Digest).toBe(hexOf(digest));
    await reader.untrusted('rmi', '--force', `${repository}:1`);
    const pull = await reader.docker('pull', `${repository}:1`);
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:1@${digest}\n`);
  });

  promise('notary looks up what hallmark published', async () => {
    const digest = await digestOf(`${repository}:2`);
    const lookup = await reader.notary('lookup', repository, '2');
    expect(lookup.code).toBe(0);
    expect(lookup.stdout).toMatch(new RegExp(`^2 ${digest} \\d+\\n$`));
  });

  promise('verify prints the signed digest and nothing else', async () => {
    const verified = await reader.hallmark('verify', `${repository}:2`);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toBe(`${repository}:2@${await digestOf(`${repository}:2`)}\n`);
  });

  promise('verify --json names the repository, tag, digest and role', async () => {
    const verified = await reader.hallmark('verify', '--json', `${repository}:2`);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      gun: repository,
      tag: '2',
      digest: await digestOf(`${repository}:2`),
      role: 'targets',
    });
  });

  promise('verify and pull of a tag that nobody signed end with 3 and print nothing', async () => {
    for (const command of ['verify', 'pull']) {
      const refused = await reader.hallmark(command, `${repository}:unsigned`);
      expect(refused).toMatchObject({ code: 3, stdout: '' });
    }
    const missing = await reader.hallmark('verify', `${world.registry}/interop/nothing:1`);
    expect(missing).toMatchObject({ code: 3, stdout: '' });
  });

  promise('pull takes the signed digest into the engine and tags it', async () => {
    const digest = await digestOf(`${repository}:3`);
    await reader.untrusted('rmi', '--force', `${repository}:3`);
    const pull = await reader.hallmark('pull', `${repository}:3`);
    expect(pull.code).toBe(0);
    expect(pull.output).toContain(`Pull (1 of 1): ${repository}:3@${digest}\n`);
    expect(await digestOf(`${repository}:3`)).toBe(digest);
  });

  promise('pull -a takes every signed tag and no other', async () => {
    const pull = await reader.hallmark('pull', '-a', repository);
    expect(pull.code).toBe(0);
    const pulled = [...pull.output.matchAll(/^Pull \(\d of 3\): \S+:(\S+)@sha256:/gm)].map((match) => match[1]);
    expect(pulled.sort()).toEqual(['1', '2', '3']);
  });

  promise('a tag moved in the registry without a signature still verifies and pulls the signed digest', async () => {
    const digest = await digestOf(`${repository}:1`);
    await world.image(`${repository}:1`, 'what the attacker made');
    await publisher.untrusted('push', `${repository}:1`);
    expect((await reader.hallmark('verify', `${repository}:1`)).stdout).toBe(`${repository}:1@${digest}\n`);
    expect((await reader.hallmark('pull', `${repository}:1`)).code).toBe(0);
    expect(await digestOf(`${repository}:1`)).toBe(digest);
  });

  promise('sign signs what the registry holds; docker pulls it', async () => {
    expect((await reader.docker('pull', `${repository}:unsigned`)).code).toBe(1);
    const sign = await publisher.hallmark('sign', `${repository}:unsigned`);
    expect(sign.code).toBe(0);
    expect((await reader.docker('pull', `${repository}:unsigned`)).code).toBe(0);
  });

  promise('inspect shows tags and digests, for people and for programs', async () => {
    const digest = hexOf(await digestOf(`${repository}:2`));
    const pretty = await reader.hallmark('inspect', '--pretty', repository);
    expect(pretty.code).toBe(0);
    expect(pretty.stdout).toContain(`Signatures for ${repository}\n`);
    expect(pretty.stdout).toMatch(new RegExp(`^2 +${digest} +\\(Repo Admin\\)$`, 'm'));
    const json = await reader.hallmark('inspect', '--json', repository);
    expect(json.code).toBe(0);
    expect(JSON.stringify(JSON.parse(json.stdout))).toContain(digest);
  });

  promise('a wrong passphrase ends with 1, signs nothing and leaves keys and staged changes as they were', async () => {
    const wrong = { ...PASSPHRASES, DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'not the passphrase' };
    const keysAndChanges = () =>
      Object.entries(snapshotOfFiles(publisher.trustDirectory)).filter(([file]) =>
        /^private\/|\/changelist\//.test(file),
      );
    const before = keysAndChanges();
    const push = await publisher.hallmarkWith(wrong, 'push', `${repository}:4`);
    expect(push.code).toBe(1);
    expect(push.output).not.toContain('not the passphrase');
    expect(keysAndChanges()).toEqual(before);
    expect((await reader.hallmark('verify', `${repository}:4`)).code).toBe(3);
  });

  promise('revoke takes a tag from docker, from notary and from hallmark', async () => {
    const revoke = await publisher.hallmark('revoke', `${repository}:3`);
    expect(revoke.code).toBe(0);
    const pull = await reader.docker('pull', `${repository}:3`);
    expect(pull).toMatchObject({ code: 1, stderr: 'No valid trust data for 3\n' });
    expect((await reader.notary('lookup', repository, '3')).code).toBe(1);
    expect((await reader.hallmark('verify', `${repository}:3`)).code).toBe(3);
  });
});
