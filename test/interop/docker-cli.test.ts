// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf, pushedDigest, trustInspection } from './support/digests.ts';
import { promise } from './support/journal.ts';
import { trustServerUnderTest } from './support/programs.ts';
import { REPOSITORY_PASSPHRASE, ROOT_PASSPHRASE, type User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

const ROOT_WARNING = [
  'You are about to create a new root signing key passphrase. This passphrase',
  'will be used to protect the most sensitive key in your signing system. Please',
  'choose a long, complex passphrase and be careful to keep the password and the',
  'key file itself secure and backed up. It is highly recommended that you use a',
  'password manager to generate the passphrase and keep it safe. There will be no',
  'way to recover this key. You can find the key in your config directory.',
].join('\n');

describe('Docker CLI: pushing', () => {
  let world: World;
  let publisher: User;
  let repository: string;

  beforeAll(async () => {
    world = await openWorld(trustServerUnderTest());
    publisher = world.user('publisher');
    repository = `${world.registry}/interop/push`;
    for (const tag of ['1', '2', '3', 'unchanged']) await world.image(`${repository}:${tag}`, `content of ${tag}`);
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('the first push makes a root and a repository key, asking twice for each passphrase', async () => {
    const session = publisher.dockerOnTerminal('push', `${repository}:1`);
    await session.expect(/Signing and pushing trust metadata\r\n/);
    const root = await session.expect(/Enter passphrase for new root key with ID ([0-9a-f]{7}): $/);
    await session.sendSecret(ROOT_PASSPHRASE);
    await session.expect(new RegExp(`Repeat passphrase for new root key with ID ${root[1]}: $`));
    await session.sendSecret(ROOT_PASSPHRASE);
    const key = await session.expect(/Enter passphrase for new repository key with ID ([0-9a-f]{7}): $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Repeat passphrase for new repository key with ID ${key[1]}: $`));
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Finished initializing "${repository}"\r\n`));
    await session.expect(new RegExp(`Successfully signed ${repository}:1\r\n`));
    expect(await session.exit()).toBe(0);
    expect(session.transcript).toContain(ROOT_WARNING);
    expect(session.transcript).not.toContain(REPOSITORY_PASSPHRASE);
  });

  promise('the keys and the trust data lie where Docker keeps them', async () => {
    const keys = readdirSync(join(publisher.trustDirectory, 'private'));
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      const file = join(publisher.trustDirectory, 'private', key);
      expect(readFileSync(file, 'utf8')).toContain('-----BEGIN ENCRYPTED PRIVATE KEY-----');
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    const metadata = join(publisher.trustDirectory, 'tuf', repository, 'metadata');
    expect(existsSync(join(metadata, 'root.json'))).toBe(true);
    expect(existsSync(join(metadata, 'targets.json'))).toBe(true);
  });

  promise('the second push asks for the passphrase of the repository key alone', async () => {
    const session = publisher.dockerOnTerminal('push', `${repository}:2`);
    await session.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Successfully signed ${repository}:2\r\n`));
    expect(await session.exit()).toBe(0);
    expect(session.transcript).not.toContain('root key');
    expect(session.transcript).not.toContain('Finished initializing');
  });

  promise('a wrong passphrase is asked for again and the right one then signs', async () => {
    const session = publisher.dockerOnTerminal('push', `${repository}:3`);
    await session.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret('not the passphrase');
    await session.expect(/Passphrase incorrect\. Please retry\./);
    await session.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Successfully signed ${repository}:3\r\n`));
    expect(await session.exit()).toBe(0);
  });

  promise('passphrases from the environment sign without a question', async () => {
    const push = await publisher.docker('push', `${repository}:unchanged`);
    expect(push.code).toBe(0);
    expect(push.stdout).toEndWith(`Signing and pushing trust metadata\nSuccessfully signed ${repository}:unchanged\n`);
  });

  promise('pushing what is signed already succeeds and changes nothing that is signed', async () => {
    const before = trustInspection(await publisher.docker('trust', 'inspect', repository));
    const again = await publisher.docker('push', `${repository}:unchanged`);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain(`Successfully signed ${repository}:unchanged\n`);
    expect(trustInspection(await publisher.docker('trust', 'inspect', repository))).toEqual(before);
  });

  promise('a moved tag is signed anew for whoever holds the key', async () => {
    await world.image(`${repository}:1`, 'other content of 1');
    const push = await publisher.docker('push', `${repository}:1`);
    expect(push.code).toBe(0);
    const inspection = trustInspection(await world.user('looker').docker('trust', 'inspect', `${repository}:1`));
    expect(inspection.SignedTags).toEqual([
      { SignedTag: '1', Digest: hexOf(pushedDigest(push)), Signers: ['Repo Admin'] },
    ]);
  });

  promise('a stranger without the keys can push an image but cannot sign it', async () => {
    const before = trustInspection(await publisher.docker('trust', 'inspect', repository));
    await world.image(`${repository}:2`, 'what the stranger made');
    const push = await world.user('stranger').docker('push', `${repository}:2`);
    expect(push.code).toBe(1);
    expect(push.stderr).toContain(`failed to sign ${repository}:2: `);
    expect(trustInspection(await publisher.docker('trust', 'inspect', repository))).toEqual(before);
  });
});
