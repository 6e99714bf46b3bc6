// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { pushTinyImage } from '../../../../test/support/tiny-image.ts';

const START = new Date('2026-11-22T12:00:00Z');
const YEAR = 365 * 86_400_000;

const PASSPHRASE = { NOTARY_TARGETS_PASSPHRASE: 'repository-passphrase-of-tests' };

let world: CommandLineWorld;
let gun: string;
let now = START;
const worlds: CommandLineWorld[] = [];

beforeEach(async () => {
  now = START;
  world = await openWorld(() => now);
  worlds.push(world);
  gun = `${world.registryHost}/app`;
  await pushTinyImage(world.registryHost, 'app', '1');
  expect((await owner('sign', `${gun}:1`)).exitCode).toBe(0);
  expect((await verified('follower')).exitCode).toBe(0);
});
afterAll(() => Promise.all(worlds.map((one) => one.close())));

const owner = (...argv: readonly string[]) => world.run('owner', argv);
const verified = (user: string) => world.run(user, ['verify', `${gun}:1`]);
const later = (years: number) => {
  now = new Date(START.getTime() + years * YEAR);
};

async function expectRefused(): Promise<void> {
  for (const user of ['owner', 'follower', 'stranger'])
    expect(await verified(user)).toMatchObject({ exitCode: 3, stdout: '' });
}

async function expectEverybodyGoesOn(): Promise<void> {
  for (const user of ['follower', 'newcomer']) expect(await verified(user)).toMatchObject({ exitCode: 0 });
  expect(await owner('sign', `${gun}:1`)).toMatchObject({ exitCode: 0 });
}

describe('what has expired can be renewed by its owner, and is used by nobody before', () => {
  test('targets: refused by clients and for new signatures, until they are witnessed', async () => {
    later(4);
    await expectRefused();
    await pushTinyImage(world.registryHost, 'app', '2');
    const signed = await owner('sign', `${gun}:2`);
    expect(signed).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(`hallmark witness ${gun} targets`) });

    // what is listed already is no more signed than what is not
    expect(await owner('sign', `${gun}:1`)).toMatchObject({ exitCode: 3, stdout: '' });

    expect(await owner('witness', gun, 'targets')).toMatchObject({ exitCode: 0 });
    expect(await owner('publish', gun)).toMatchObject({ exitCode: 0 });

    await expectEverybodyGoesOn();
  });

  test('notary: the same by its witness', async () => {
    later(4);
    const notary = (...argv: readonly string[]) =>
      world.run('owner', ['notary', '-s', world.trustServer, '-d', world.trustDirectory('owner'), ...argv], PASSPHRASE);

    expect(await notary('list', gun)).toMatchObject({ exitCode: 1 });
    expect(await notary('witness', '-p', gun, 'targets')).toMatchObject({ exitCode: 0, stderr: '' });

    await expectEverybodyGoesOn();
  });

  test('a root with its certificate, and targets: by key renew-certificate alone', async () => {
    later(11);
    await expectRefused();
    expect(await owner('witness', gun, 'targets')).toMatchObject({ exitCode: 0 });
    expect(await owner('publish', gun)).toMatchObject({ exitCode: 3 });
    expect(await owner('reset', '--all', gun)).toMatchObject({ exitCode: 0 });

    expect(await owner('key', 'renew-certificate', gun)).toMatchObject({ exitCode: 0 });

    await expectEverybodyGoesOn();
  });

  test('an owner who never saw the repository trusts no root on first use that has expired', async () => {
    later(11);
    rmSync(join(world.trustDirectory('owner'), 'tuf'), { recursive: true });
    rmSync(join(world.trustDirectory('owner'), 'hallmark'), { recursive: true });

    expect(await owner('key', 'renew-certificate', gun)).toMatchObject({ exitCode: 3 });
  });
});
