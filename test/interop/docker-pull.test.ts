// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { pushedDigest } from './support/digests.ts';
import { promise } from './support/journal.ts';
import { trustServerUnderTest } from './support/programs.ts';
import type { User } from './support/users.ts';
import { openWorld, START_MILLISECONDS, type World } from './support/world.ts';

describe('Docker CLI: pulling and running', () => {
  let world: World;
  let reader: User;
  let repository: string;
  let unsignedRepository: string;
  const digests = new Map<string, string>();

  beforeAll(async () => {
    world = await openWorld(trustServerUnderTest());
    const publisher = world.user('publisher');
    reader = world.user('reader');
    repository = `${world.registry}/interop/pull`;
    unsignedRepository = `${world.registry}/interop/unsigned`;
    for (const tag of ['1', '2', 'moved']) {
      await world.image(`${repository}:${tag}`, `content of ${tag}`);
      digests.set(tag, pushedDigest(await publisher.docker('push', `${repository}:${tag}`)));
    }
    // What an attacker with a login to the registry can do: move a signed tag, add one, fill a repository.
    for (const image of [`${repository}:moved`, `${repository}:unsigned`, `${unsignedRepository}:1`]) {
      await world.image(image, `not signed: ${image}`);
      await publisher.untrusted('push', image);
    }
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  /** Removes every image from the engine that publisher and reader share. */
  async function forgetImages(): Promise<void> {
    const { stdout } = await reader.untrusted('images', '--quiet', '--no-trunc');
    const ids = [...new Set(stdout.split('\n').filter((line) => line !== ''))];
    if (ids.length > 0) await reader.untrusted('rmi', '--force', ...ids);
  }

  async function digestsInEngine(image: string): Promise<unknown> {
    const { stdout } = await reader.untrusted('image', 'inspect', '--format', '{{json .RepoDigests}}', image);
    return JSON.parse(stdout);
  }

  promise('a signed tag is pulled by the digest that was signed, on first use of the repository', async () => {
    await forgetImages();
    const pull = await reader.docker('pull', `${repository}:1`);
    const digest = digests.get('1');
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:1@${digest}\n`);
    expect(pull.stdout).toEndWith(`\n${repository}:1\n`);
    expect(pull.stderr).toContain(`Tagging ${repository}@${digest} as ${repository}:1\n`);
    expect(await digestsInEngine(`${repository}:1`)).toEqual([`${repository}@${digest}`]);
  });

  promise('a tag moved in the registry without a signature still pulls the signed digest', async () => {
    await forgetImages();
    const pull = await reader.docker('pull', `${repository}:moved`);
    const digest = digests.get('moved');
    expect(pull.code).toBe(0);
    expect(pull.stdout).toStartWith(`Pull (1 of 1): ${repository}:moved@${digest}\n`);
    expect(await digestsInEngine(`${repository}:moved`)).toEqual([`${repository}@${digest}`]);
  });

  promise('pull -a pulls every signed tag, each by its signed digest, and no other', async () => {
    await forgetImages();
    const pull = await reader.docker('pull', '-a', repository);
    expect(pull.code).toBe(0);
    const pulled = [...pull.stdout.matchAll(/^Pull \(\d of 3\): (.*)$/gm)].map((match) => match[1]);
    expect(pulled.sort()).toEqual([...digests].map(([tag, digest]) => `${repository}:${tag}@${digest}`).sort());
    for (const [tag, digest] of digests) {
      expect(await digestsInEngine(`${repository}:${tag}`)).toEqual([`${repository}@${digest}`]);
    }
  });

  promise('a tag that nobody signed is not pulled', async () => {
    const pull = await reader.docker('pull', `${repository}:unsigned`);
    expect(pull.code).toBe(1);
    expect(pull.stderr).toBe('No valid trust data for unsigned\n');
  });

  promise('nothing is pulled from a repository without trust data', async () => {
    const pull = await reader.docker('pull', `${unsignedRepository}:1`);
    expect(pull.code).toBe(1);
    expect(pull.stderr).toContain(
      `remote trust data does not exist for ${unsignedRepository}: ` +
        `${world.server.host} does not have trust data for ${unsignedRepository}`,
    );
  });

  promise('create takes a signed image by its digest', async () => {
    await forgetImages();
    const create = await reader.docker('create', `${repository}:2`, '/content');
    expect(create.code).toBe(0);
    const inspect = await reader.untrusted(
      'container',
      'inspect',
      '--format',
      '{{.Config.Image}}',
      create.stdout.trim(),
    );
    await reader.untrusted('rm', create.stdout.trim());
    expect(inspect.stdout).toBe(`${repository}@${digests.get('2')}\n`);
    expect(create.stderr).toContain(`Tagging ${repository}@${digests.get('2')} as ${repository}:2\n`);
  });

  promise('create of an unsigned image is refused', async () => {
    const create = await reader.docker('create', `${repository}:unsigned`, '/content');
    expect(create.code).toBe(1);
    expect(create.stdout).toBe('');
    expect(create.stderr).toBe('No valid trust data for unsigned\n');
  });

  promise('run of an unsigned image is refused', async () => {
    const started = await reader.docker('run', '--rm', '--network', 'none', `${repository}:unsigned`, '/content');
    expect(started.code).toBe(125);
    expect(started.stderr).toStartWith('docker: No valid trust data for unsigned');
  });

  promise('a pull by digest needs no trust data', async () => {
    await forgetImages();
    const pull = await reader.docker('pull', `${repository}@${digests.get('2')}`);
    expect(pull.code).toBe(0);
    expect(pull.stdout).toContain(`Digest: ${digests.get('2')}\n`);
  });
});
