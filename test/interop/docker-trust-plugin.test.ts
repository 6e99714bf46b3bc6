// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf, pushedDigest, trustInspection } from './support/digests.ts';
import { promise } from './support/journal.ts';
import { type Outcome, run, succeed } from './support/processes.ts';
import { cleanEnvironment, program, trustServerUnderTest } from './support/programs.ts';
import { REPOSITORY_PASSPHRASE, type User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

describe('docker-trust: what it signs, Docker trusts', () => {
  let world: World;
  let owner: User;
  let alice: User;
  let bob: User;
  let reader: User;
  let repository: string;

  beforeAll(async () => {
    world = await openWorld(trustServerUnderTest());
    [owner, alice, bob, reader] = [world.user('owner'), world.user('alice'), world.user('bob'), world.user('reader')];
    repository = `${world.registry}/interop/plugin`;
    for (const tag of ['1', '2', '10', 'local']) {
      await world.image(`${repository}:${tag}`, `content of ${tag}`);
      if (tag !== 'local') await owner.untrusted('push', `${repository}:${tag}`);
    }
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const trust = (user: User, ...args: string[]) => user.hallmark('docker-trust', 'trust', ...args);
  const sameInspection = async (...args: string[]): Promise<Outcome> => {
    const [theirs, ours] = [await reader.docker('trust', 'inspect', ...args), await trust(reader, 'inspect', ...args)];
    expect(ours.stdout).toBe(theirs.stdout);
    expect(ours.code).toBe(theirs.code);
    return ours;
  };
  const pulls = async (tag: string): Promise<Outcome> => {
    await reader.untrusted('rmi', '--force', `${repository}:${tag}`);
    return reader.docker('pull', `${repository}:${tag}`);
  };

  promise('installed as a plugin it answers Docker, which knows it by its name', async () => {
    const installed = await reader.hallmark('install-plugin');
    expect(installed.code).toBe(0);
    const plugin = join(reader.config, 'cli-plugins', 'docker-trust');
    const answer = await run([plugin, 'docker-cli-plugin-metadata'], { env: cleanEnvironment({ HOME: reader.home }) });
    expect(JSON.parse(answer.stdout)).toMatchObject({ SchemaVersion: '0.1.0', Vendor: 'Hallmark' });
    // under its own name Docker to 28 lists the command that it has built in, so here it is met under another one
    copyFileSync(plugin, join(reader.config, 'cli-plugins', 'docker-hallmarktrust'));
    const info = JSON.parse((await reader.untrusted('info', '--format', '{{json .ClientInfo}}')).stdout);
    expect(info.Plugins).toContainEqual(
      expect.objectContaining({
        Name: 'hallmarktrust',
        Vendor: 'Hallmark',
        ShortDescription: 'Manage trust on Docker images',
      }),
    );
    const called = await run(
      [plugin, '--config', reader.config, '-H', world.dockerHost, 'trust', 'inspect', repository],
      {
        env: cleanEnvironment({ HOME: reader.home, DOCKER_CONTENT_TRUST_SERVER: world.server.url }),
      },
    );
    expect(called.stdout).toBe('[]\n');
    expect(called.stderr).toBe(`no signatures or cannot access ${repository}\n`);
    expect(called.code).toBe(1);
  });

  promise('signers get keys from either program, and the owner adds them', async () => {
    expect((await trust(alice, 'key', 'generate', 'alice')).code).toBe(0);
    expect((await bob.docker('trust', 'key', 'generate', 'bob')).code).toBe(0);
    const keys = { alice: join(alice.home, 'alice.pub'), bob: join(bob.home, 'bob.pub') };
    expect((await trust(owner, 'signer', 'add', '--key', keys.alice, 'alice', repository)).code).toBe(0);
    await sameInspection(repository);
    expect((await owner.docker('trust', 'signer', 'add', '--key', keys.bob, 'bob', repository)).code).toBe(0);
    await sameInspection('--pretty', repository);
  });

  promise('a signer signs on a terminal, with no image in the engine, and Docker pulls it', async () => {
    await alice.untrusted('rmi', '--force', `${repository}:1`);
    const session = alice.hallmarkOnTerminal('docker-trust', 'sign', `${repository}:1`);
    await session.expect(/Enter passphrase for alice key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(REPOSITORY_PASSPHRASE);
    await session.expect(new RegExp(`Successfully signed ${repository}:1\r\n`));
    expect(await session.exit()).toBe(0);
    const pull = await pulls('1');
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:1@${pushedDigest({ output: session.transcript })}\n`);
  });

  promise('Docker and docker-trust sign in turns, and show the same', async () => {
    expect((await bob.docker('trust', 'sign', `${repository}:1`)).code).toBe(0);
    expect((await trust(bob, 'sign', `${repository}:2`)).code).toBe(0);
    expect((await trust(alice, 'sign', `${repository}:10`)).code).toBe(0);
    expect((await trust(alice, 'sign', `${repository}:2`)).stdout).toContain('from:\nbob\n');
    const shown = trustInspection(await sameInspection(repository));
    expect(shown.SignedTags.map((tag) => tag.SignedTag)).toEqual(['1', '2', '10']);
    await sameInspection(`${repository}:10`);
    await sameInspection('--pretty', repository, `${repository}:2`);
    await sameInspection(repository, `${world.registry}/interop/nothing`);
  });

  promise(
    '--local, and an image that the registry has not, are pushed by the engine and signed as the registry keeps them',
    async () => {
      const sign = await trust(alice, 'sign', '--local', `${repository}:local`);
      expect(sign.stderr).toBe(
        `Signing and pushing trust data for local image ${repository}:local, may overwrite remote trust data\n`,
      );
      expect(sign.stdout).toStartWith(`The push refers to repository [${repository}]\n`);
      expect(sign.stdout).toEndWith(`Signing and pushing trust metadata\nSuccessfully signed ${repository}:local\n`);
      await world.image(`${repository}:only-here`, 'never pushed');
      const pushed = await trust(alice, 'sign', `${repository}:only-here`);
      expect(pushed.code).toBe(0);
      const [signed] = trustInspection(await sameInspection(`${repository}:only-here`)).SignedTags;
      expect(signed?.Digest).toBe(hexOf(pushedDigest(pushed)));
      const missing = await trust(alice, 'sign', `${repository}:nowhere`);
      expect(missing.code).toBe(1);
      expect(missing.stderr).toStartWith('Error response from daemon: ');
      expect(missing.stderr).toContain(`No such image: ${repository}:nowhere`);
    },
  );

  promise('an ed25519 key, closed by OpenSSL with SHA-256, is loaded and signs what Docker trusts', async () => {
    const key = join(owner.home, 'ed.pem');
    const env = { env: cleanEnvironment({ HOME: owner.home }) };
    const pass = ['-aes-256-cbc', '-pass', `pass:${REPOSITORY_PASSPHRASE}`];
    await succeed([program('openssl'), 'genpkey', '-algorithm', 'ed25519', ...pass, '-out', key], env);
    const out = ['-passin', `pass:${REPOSITORY_PASSPHRASE}`, '-pubout', '-out', `${key}.pub`];
    await succeed([program('openssl'), 'pkey', '-in', key, ...out], env);
    const edwin = world.user('edwin');
    expect((await trust(edwin, 'key', 'load', key, '--name', 'edwin')).code).toBe(0);
    expect((await trust(owner, 'signer', 'add', '--key', `${key}.pub`, 'edwin', repository)).code).toBe(0);
    expect((await trust(edwin, 'sign', `${repository}:2`)).code).toBe(0);
    expect(trustInspection(await sameInspection(`${repository}:2`)).SignedTags[0]?.Signers).toEqual([
      'alice',
      'bob',
      'edwin',
    ]);
    expect((await pulls('2')).code).toBe(0);
  });

  promise('signer remove removes, also with --force, and others sign on', async () => {
    const removed = await trust(owner, 'signer', 'remove', '--force', 'edwin', repository);
    expect(removed.stdout).toEndWith(`Successfully removed edwin from ${repository}\n\n`);
    expect((await trust(bob, 'sign', `${repository}:2`)).code).toBe(0);
    expect((await bob.docker('trust', 'sign', '--local', `${repository}:10`)).code).toBe(0);
    const { Signers } = trustInspection(await sameInspection(repository));
    expect(Signers.map((signer) => signer.Name)).toEqual(['bob', 'alice']);
  });

  promise('revoke takes a tag from every role whose key is at hand, and Docker pulls it no more', async () => {
    expect((await trust(alice, 'revoke', `${repository}:local`)).code).toBe(0);
    expect((await pulls('local')).stderr).toBe('No valid trust data for local\n');
    await sameInspection(repository);
  });

  promise(
    'a first sign makes the repository, with a signer named after the registry user, and Docker signs on',
    async () => {
      const lena = world.user('lena');
      const auth = Buffer.from('lena:unused').toString('base64');
      writeFileSync(join(lena.config, 'config.json'), JSON.stringify({ auths: { [world.registry]: { auth } } }));
      const first = `${world.registry}/interop/first`;
      await owner.untrusted('tag', `${repository}:10`, `${first}:1`);
      await owner.untrusted('push', `${first}:1`);
      const sign = await trust(lena, 'sign', `${first}:1`);
      expect(sign.stdout).toStartWith(`Created signer: lena\nFinished initializing signed repository for ${first}:1\n`);
      expect(sign.code).toBe(0);
      await lena.untrusted('tag', `${first}:1`, `${first}:2`);
      expect((await lena.docker('push', `${first}:2`)).code).toBe(0);
      expect(trustInspection(await sameInspection(first)).Signers.map((signer) => signer.Name)).toEqual(['lena']);
      expect(existsSync(join(lena.trustDirectory, 'private'))).toBe(true);
    },
  );

  promise('after the last signer is removed, an owner who holds the repository key can push and sign', async () => {
    expect((await trust(owner, 'signer', 'remove', '-f', 'alice', repository)).code).toBe(0);
    expect((await trust(owner, 'signer', 'remove', '-f', 'bob', repository)).code).toBe(0);
    expect((await owner.docker('push', `${repository}:1`)).code).toBe(0);
    expect((await pulls('1')).code).toBe(0);
    await sameInspection(repository);
  });
});
