// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { makeDelegationKey } from './support/certificates.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows, writeContent } from './support/notary-world.ts';
import { trustServerUnderTest } from './support/programs.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/interop/delegated';
const RELEASES = 'targets/releases';

interface KeyPair {
  readonly key: string;
  readonly crt: string;
}

describe('notary CLI: delegations', () => {
  let world: NotaryWorld;
  let owner: User;
  let releaser: User;
  let reader: User;
  let first: KeyPair;
  let second: KeyPair;
  let nested: KeyPair;

  beforeAll(async () => {
    world = await openNotaryWorld(trustServerUnderTest());
    [owner, releaser, reader] = [world.user('owner'), world.user('releaser'), world.user('reader')];
    const directory = world.stage.makeDirectory('delegation-keys');
    first = await makeDelegationKey(directory, 'first');
    second = await makeDelegationKey(directory, 'second');
    nested = await makeDelegationKey(directory, 'nested');
    expectSuccess(await owner.notary('init', gun, '-p'));
    // A delegate cannot sign snapshots with a key that only the owner has: the server must hold it.
    expectSuccess(await owner.notary('key', 'rotate', gun, 'snapshot', '-r'));
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const delegations = async () => tableRows(expectSuccess(await reader.notary('delegation', 'list', gun)));
  const targets = async (...options: string[]) =>
    tableRows(expectSuccess(await reader.notary('list', gun, ...options))).map(([name, , , role]) => [name, role]);

  promise('delegation add names the key and the paths, and is listed once published', async () => {
    expect(expectSuccess(await reader.notary('delegation', 'list', gun))).toContain('No delegations present');
    const added = expectSuccess(await owner.notary('delegation', 'add', gun, RELEASES, first.crt, '--all-paths'));
    expect(added).toMatch(
      /Addition of delegation role targets\/releases with keys \[[0-9a-f]{64}\], with paths \["" <all paths>\]/,
    );
    expectSuccess(await owner.notary('publish', gun));
    const [row, ...others] = await delegations();
    expect(row).toEqual([RELEASES, '"" <all paths>', expect.stringMatching(/^[0-9a-f]{64}$/), '1']);
    expect(others).toEqual([]);
  });

  promise('who holds the delegated key publishes into the delegation and nowhere else', async () => {
    expectSuccess(await releaser.notary('key', 'import', first.key, '--role', RELEASES));
    const file = writeContent(releaser, 'stable', 'content of stable');
    expectSuccess(await releaser.notary('add', gun, 'stable', file.path, '-r', RELEASES, '-p'));
    expect(await targets()).toEqual([['stable', RELEASES]]);
    expect(expectSuccess(await reader.notary('lookup', gun, 'stable'))).toBe(
      `stable sha256:${file.sha256} ${file.size}\n`,
    );
    const forbidden = await releaser.notary('add', gun, 'top', file.path, '-p');
    expect(forbidden.code).toBe(1);
    expectSuccess(await releaser.notary('reset', gun, '--all'));
    expect(await targets()).toEqual([['stable', RELEASES]]);
  });

  promise('a delegation below a delegation is bound to its paths', async () => {
    const qa = `${RELEASES}/qa`;
    const added = await releaser.notary('delegation', 'add', gun, qa, nested.crt, '--paths', 'qa/,nightly/');
    expect(expectSuccess(added)).toContain('with paths [nightly/\nqa/]');
    expectSuccess(await releaser.notary('publish', gun));
    expectSuccess(await releaser.notary('key', 'import', nested.key, '--role', qa));
    const file = writeContent(releaser, 'build', 'content of a build');
    expectSuccess(await releaser.notary('add', gun, 'qa/build', file.path, '-r', qa, '-p'));
    const outside = await releaser.notary('add', gun, 'elsewhere', file.path, '-r', qa, '-p');
    expect(outside.code).toBe(1);
    expectSuccess(await releaser.notary('reset', gun, '--all'));
    expect(await targets('-r', RELEASES)).toEqual([
      ['qa/build', qa],
      ['stable', RELEASES],
    ]);
    expect((await delegations()).map(([role]) => role)).toEqual([RELEASES, qa]);
  });

  promise('a delegation whose key was replaced is not trusted until it is witnessed', async () => {
    const [row] = await delegations();
    const firstId = row?.[2] ?? '';
    expectSuccess(await owner.notary('delegation', 'add', gun, RELEASES, second.crt));
    const removed = expectSuccess(await owner.notary('delegation', 'remove', gun, RELEASES, firstId));
    expect(removed).toContain(`Removal of delegation role ${RELEASES} with keys [${firstId}]`);
    expectSuccess(await owner.notary('publish', gun));
    const list = await reader.notary('list', gun);
    expect(list.stdout).toBe('\nNo targets present in this repository.\n\n');
    expect(list.stderr).toContain(`valid signatures did not meet threshold for ${RELEASES}`);

    expectSuccess(await owner.notary('key', 'import', second.key, '--role', RELEASES));
    const witness = expectSuccess(await owner.notary('witness', gun, RELEASES));
    expect(witness).toBe(
      `The following roles were successfully marked for witnessing on the next publish:\n\t- ${RELEASES}\n`,
    );
    expect(expectSuccess(await owner.notary('status', gun))).toMatch(/^0 +update +targets\/releases +witness *$/m);
    expectSuccess(await owner.notary('publish', gun));
    expect(await targets()).toContainEqual(['stable', RELEASES]);
  });

  promise('the replaced key can no longer publish into the delegation', async () => {
    const file = writeContent(releaser, 'late', 'content that comes too late');
    const late = await releaser.notary('add', gun, 'late', file.path, '-r', RELEASES, '-p');
    expect(late.code).toBe(1);
    expect(late.stdout).toContain('* fatal: ');
    expect((await reader.notary('lookup', gun, 'late')).code).toBe(1);
  });

  promise('delegation remove takes the role and what it signed from readers', async () => {
    const removed = expectSuccess(await owner.notary('delegation', 'remove', gun, RELEASES, '-y', '-p'));
    expect(removed).toContain(`Forced removal (including all keys and paths) of delegation role ${RELEASES}`);
    expect(expectSuccess(await reader.notary('delegation', 'list', gun))).toContain('No delegations present');
    expect(expectSuccess(await reader.notary('list', gun))).toBe('\nNo targets present in this repository.\n\n');
  });
});
