// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { writeImage } from '../../src/lab/index.ts';
import { type CommandLineWorld, openWorld } from '../support/command-line.ts';

let world: CommandLineWorld;
let name: string;

beforeEach(async () => {
  world = await openWorld();
  name = `${world.registryHost}/team/app`;
  const image = join(world.directory, 'image');
  await writeImage(image, 'hello');
  await done('alice', 'push', '--from', `oci:${image}`, `${name}:1`);
});

afterEach(() => world.close());

async function done(user: string, ...argv: readonly string[]): Promise<void> {
  const ran = await world.run(user, argv);
  expect({ argv, ...ran }).toMatchObject({ exitCode: 0 });
}

async function addSigner(signer: string): Promise<void> {
  await done(signer, 'docker-trust', 'key', 'generate', signer, '--dir', world.directory);
  await giveSigner(signer);
}

const giveSigner = (signer: string) =>
  done('alice', 'docker-trust', 'signer', 'add', '--key', join(world.directory, `${signer}.pub`), signer, name);
const takeSigner = (signer: string) => done('alice', 'docker-trust', 'signer', 'remove', '-f', signer, name);

test('a signer who replaces the only one can sign, on a machine that never saw the old one', async () => {
  await addSigner('bob');
  for (let times = 0; times < 3; times++) await done('bob', 'docker-trust', 'sign', `${name}:1`);
  await takeSigner('bob');
  await addSigner('carol');

  await done('carol', 'docker-trust', 'sign', `${name}:1`);
  await done('reader', 'verify', `${name}:1`);
});

test('a signer who is taken away and given back can sign again', async () => {
  await addSigner('bob');
  await done('bob', 'docker-trust', 'sign', `${name}:1`);
  await takeSigner('bob');
  await giveSigner('bob');
  expect((await world.run('bob', ['verify', `${name}:1`])).exitCode).toBe(3);

  await done('bob', 'docker-trust', 'sign', `${name}:1`);
  await done('bob', 'verify', `${name}:1`);
});
