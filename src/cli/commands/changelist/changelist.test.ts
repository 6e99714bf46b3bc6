// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';

let world: CommandLineWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const GUN = 'example.com/acme/app';
const hallmark = (...argv: string[]) => world.run('alice', argv);

/** notary over the trust directory that hallmark uses, with keys of the same passphrases. */
function notary(...argv: string[]) {
  const passphrases = {
    NOTARY_ROOT_PASSPHRASE: 'root-passphrase-of-tests',
    NOTARY_TARGETS_PASSPHRASE: 'repository-passphrase-of-tests',
    NOTARY_SNAPSHOT_PASSPHRASE: 'repository-passphrase-of-tests',
  };
  return world.run(
    'alice',
    ['notary', '-d', world.trustDirectory('alice'), '-s', world.trustServer, ...argv],
    passphrases,
  );
}

async function withStaged(): Promise<void> {
  for (const argv of [
    ['init', GUN, '-p'],
    ['addhash', GUN, 'v1', '11', '--sha256', 'ab'.repeat(32)],
    ['addhash', GUN, 'v2', '12', '--sha256', 'cd'.repeat(32)],
  ])
    expect(await notary(...argv)).toMatchObject({ exitCode: 0 });
}

describe('what notary staged over the same directory', () => {
  test('is shown, published, and staged no more', async () => {
    await withStaged();
    const status = await hallmark('status', GUN);
    expect(status.stdout).toMatch(/^# +ACTION +ROLE +TYPE +TARGET\n0 +create +targets +target +v1\n1 +create +.*v2\n$/);
    expect(JSON.parse((await hallmark('--json', 'status', GUN)).stdout)).toMatchObject({
      gun: GUN,
      changes: [{ number: 0, action: 'create', role: 'targets', type: 'target', path: 'v1' }, { path: 'v2' }],
    });

    expect(await hallmark('publish', GUN)).toMatchObject({
      exitCode: 0,
      stdout: `Published 2 changes of ${GUN}: targets, snapshot\n`,
    });
    expect((await hallmark('status', GUN)).stdout).toBe(`Nothing is staged for ${GUN}\n`);
    expect((await notary('list', GUN)).stdout).toContain('v2');
  });

  test('is dropped one by one, or whole', async () => {
    await withStaged();
    expect((await hallmark('reset', GUN)).exitCode).toBe(2);
    expect((await hallmark('reset', GUN, '-n', '7')).exitCode).toBe(2);
    expect((await hallmark('reset', GUN, '-n', '0')).stdout).toBe(`Dropped 1 of 2 staged changes of ${GUN}\n`);
    expect((await hallmark('status', GUN)).stdout).not.toContain('v1');
    expect((await hallmark('reset', GUN, '--all')).stdout).toBe(`Dropped 1 of 1 staged changes of ${GUN}\n`);
    expect((await hallmark('publish', GUN)).exitCode).toBe(2);
  });
});

describe('what hallmark stages', () => {
  test('a witness is shown by notary and published by either', async () => {
    await withStaged();
    await hallmark('reset', GUN, '--all');
    expect((await hallmark('witness', GUN, 'targets')).stdout).toBe(
      `Staged for the next publish of ${GUN}: sign targets anew\n`,
    );
    expect((await notary('status', GUN)).stdout).toMatch(/^0 +update +targets +witness/m);
    expect(JSON.parse((await hallmark('--json', 'publish', GUN)).stdout)).toMatchObject({
      changes: 1,
      published: ['targets', 'snapshot'],
    });
  });

  test('no role but targets and delegations', async () => {
    for (const role of ['root', 'snapshot', 'nonsense'])
      expect((await hallmark('witness', GUN, 'targets', role)).exitCode).toBe(2);
    expect((await hallmark('status', GUN)).stdout).toBe(`Nothing is staged for ${GUN}\n`);
  });

  test('nothing for a repository that does not exist: a name that is misspelt makes none', async () => {
    await hallmark('witness', GUN, 'targets');
    const published = await hallmark('publish', GUN);
    expect(published).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${GUN} has no trust data`) });
    expect((await hallmark('status', GUN)).stdout).toContain('witness');
  });
});
