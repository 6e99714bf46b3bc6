// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { pushTinyImage } from '../../../../test/support/tiny-image.ts';

let world: CommandLineWorld;
let gun: string;

beforeAll(async () => {
  world = await openWorld();
  gun = `${world.registryHost}/app`;
  await pushTinyImage(world.registryHost, 'app', '1');
});
afterAll(() => world.close());

async function generated(user: string, ...argv: readonly string[]): Promise<string> {
  return JSON.parse((await world.run(user, ['key', 'generate', ...argv, '--json'])).stdout).keyId;
}

test('the certificates of three machines make a root of which two must sign, and no private key leaves its machine', async () => {
  expect((await world.run('owner', ['sign', `${gun}:1`])).exitCode).toBe(0);
  const files: string[] = [];
  for (const user of ['owner', 'bob', 'carol']) {
    const keyId = await generated(user, '--role', 'root');
    const file = join(world.directory, `${user}.crt`);
    expect(await world.run(user, ['key', 'certificate', gun, keyId.slice(0, 9), '-o', file])).toMatchObject({
      exitCode: 0,
      stdout: `Wrote a certificate of root key ${keyId} for ${gun} to ${file}\n`,
    });
    files.push(file);
  }
  const staged = join(world.directory, 'root.staged');
  const keys = files.flatMap((file) => ['--key', file]);

  const rotated = await world.run('owner', [
    'key',
    'rotate',
    gun,
    'root',
    ...keys,
    '--threshold',
    '2',
    '--stage',
    staged,
  ]);
  expect(rotated).toMatchObject({ exitCode: 0 });
  expect(await world.run('owner', ['publish', staged])).toMatchObject({ exitCode: 1 });
  expect(await world.run('bob', ['cosign', '--yes', staged])).toMatchObject({ exitCode: 0 });
  expect(await world.run('owner', ['publish', staged])).toMatchObject({ exitCode: 0 });

  expect(await world.run('client', ['verify', `${gun}:1`])).toMatchObject({ exitCode: 0 });
  const { AdministrativeKeys } = JSON.parse((await world.run('client', ['docker-trust', 'inspect', gun])).stdout)[0];
  expect(AdministrativeKeys[0].Keys).toHaveLength(3);
});

test('without a file it is printed, as PEM or in the answer', async () => {
  const keyId = await generated('dave', '--role', 'root');

  const plain = await world.run('dave', ['key', 'certificate', gun, keyId]);
  const { pem, ...answer } = JSON.parse((await world.run('dave', ['key', 'certificate', gun, keyId, '--json'])).stdout);

  expect(plain).toMatchObject({ exitCode: 0, stderr: '' });
  for (const text of [plain.stdout, pem])
    expect(text).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/);
  expect(answer).toMatchObject({ gun, keyId, certificateId: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test('no file is written over, and only a root key gets a certificate', async () => {
  const [root, signer] = [await generated('erin', '--role', 'root'), await generated('erin', '--role', 'erin')];
  const file = join(world.directory, 'erin.crt');
  expect((await world.run('erin', ['key', 'certificate', gun, root, '-o', file])).exitCode).toBe(0);
  const before = readFileSync(file, 'utf8');

  expect(await world.run('erin', ['key', 'certificate', gun, root, '-o', file])).toMatchObject({ exitCode: 1 });
  expect(await world.run('erin', ['key', 'certificate', gun, signer])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`erin key ${signer} is no root key`),
  });
  expect(await world.run('erin', ['key', 'certificate', 'a//b', root])).toMatchObject({ exitCode: 2 });

  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
