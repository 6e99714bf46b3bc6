// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type CommandLineWorld, fingerprint, openWorld } from '../../../../test/support/command-line.ts';

const OLD = 'old.example.com/acme/app';
const NEW = 'new.example.com/acme/app';
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const NOTARY = {
  NOTARY_ROOT_PASSPHRASE: 'root-passphrase-of-tests',
  NOTARY_TARGETS_PASSPHRASE: 'repository-passphrase-of-tests',
  NOTARY_SNAPSHOT_PASSPHRASE: 'repository-passphrase-of-tests',
  NOTARY_DELEGATION_PASSPHRASE: 'repository-passphrase-of-tests',
};

let world: CommandLineWorld;
beforeEach(async () => {
  world = await openWorld();
  await owner('init', OLD, '-p');
  await owner('addhash', OLD, 'v1', '11', '--sha256', 'ab'.repeat(32), '-p');
  expect(await owner('key', 'rotate', OLD, 'snapshot', '-r')).toMatchObject({ exitCode: 0 });
});
afterEach(() => world.close());

const owner = (...argv: string[]) => notary('owner', ...argv);
const notary = (user: string, ...argv: string[]) =>
  world.run(user, ['notary', '-d', world.trustDirectory(user), '-s', world.trustServer, ...argv], NOTARY);
const remap = (...argv: string[]) => world.run('owner', ['remap', OLD, NEW, ...argv]);

/** A delegation to a key of somebody else, who signs a tag. */
async function delegate(role: string, user: string, tag: string, hash: string): Promise<void> {
  const pub = join(world.directory, `${user}.pub`);
  await world.run(user, ['key', 'generate', '--role', user, '--output', pub]);
  expect(await world.run('owner', ['delegation', 'add', OLD, role, pub, '--all-paths'])).toMatchObject({
    exitCode: 0,
  });
  const added = await notary(user, 'addhash', OLD, tag, '12', '--sha256', hash.repeat(32), '-r', role, '-p');
  expect(added).toMatchObject({ exitCode: 0 });
}

describe('hallmark remap', () => {
  test('every tag is signed under the new name, by the same root and targets keys', async () => {
    const { exitCode, stdout, stderr } = await remap();

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${OLD} is signed as ${NEW}:\n  targets: 1 tag\n` });
    expect(stderr).toContain('Pins of certificates, and what clients');
    expect((await notary('newcomer', 'list', NEW)).stdout).toContain('ab'.repeat(32));
    expect((await world.run('newcomer', ['verify', `${NEW}:v1`])).stdout).toContain(DIGEST);
    const { keys } = JSON.parse((await world.run('owner', ['key', 'list', '--json'])).stdout);
    expect(keys.filter(({ role }: { role: string }) => role === 'root' || role === 'targets')).toHaveLength(2);
    expect(await world.run('owner', ['key', 'rotate', NEW, 'targets'])).toMatchObject({ exitCode: 0 });
  });

  test('a pin of the root key fits both names', async () => {
    await remap();
    for (const gun of [OLD, NEW]) await world.run('careful', ['pin', 'add', gun]);
    const pins = JSON.parse((await world.run('careful', ['pin', 'list', '--json'])).stdout);
    expect(
      JSON.stringify(pins)
        .match(/[0-9a-f]{64}/g)
        ?.filter((id, _, all) => id !== all[0]),
    ).toEqual([]);
  });

  test('--dry-run tells the plan and changes nothing; a name that exists is refused', async () => {
    const before = fingerprint(join(world.trustDirectory('owner'), 'private'));
    const { stdout } = await remap('--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: true, old: OLD, new: NEW, signed: ['targets'], unsigned: [] });
    expect(fingerprint(join(world.trustDirectory('owner'), 'private'))).toEqual(before);
    expect(await notary('newcomer', 'list', NEW)).not.toMatchObject({ exitCode: 0 });

    await remap();
    expect(await remap()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('has trust data already') });
    expect(await world.run('stranger', ['remap', OLD, 'third.example.com/app'])).toMatchObject({ exitCode: 1 });
    expect(await world.run('owner', ['remap', OLD, OLD])).toMatchObject({ exitCode: 2 });
  });

  test('delegations keep their keys; what a delegate signed is told, and signed again by them', async () => {
    await delegate('targets/alice', 'alice', 'v2', 'cd');

    const { stdout, stderr } = await remap();

    expect(stdout).toContain('  targets: 1 tag\n');
    expect(stderr).toContain('targets/alice is not signed');
    expect(stderr).toContain('(tags v2)');
    const again = await notary(
      'alice',
      'addhash',
      NEW,
      'v2',
      '12',
      '--sha256',
      'cd'.repeat(32),
      '-r',
      'targets/alice',
      '-p',
    );
    expect(again).toMatchObject({ exitCode: 0 });
    expect((await notary('newcomer', 'list', NEW, '-r', 'targets/alice')).stdout).toContain('v2');
  });

  test('S17 a release that targets/releases replaced does not come back because its signer is absent', async () => {
    await delegate('targets/releases', 'alice', 'v1', 'cd');

    const { stderr } = await remap();

    expect(stderr).toContain('left out of targets, since targets/releases overrules them: v1');
    expect(await world.run('newcomer', ['verify', `${NEW}:v1`])).toMatchObject({ exitCode: 3 });
  });
});
