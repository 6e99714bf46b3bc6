// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows } from './support/notary-world.ts';
import { trustServerUnderTest } from './support/programs.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/interop/rotated';

describe('notary CLI: rotation of every key', () => {
  let world: NotaryWorld;
  let owner: User;
  /** Has followed the collection from its first version. */
  let follower: User;
  const published: string[] = [];

  beforeAll(async () => {
    world = await openNotaryWorld(trustServerUnderTest());
    [owner, follower] = [world.user('owner'), world.user('follower')];
    expectSuccess(await owner.notary('init', gun));
    await publishOne('first');
    expectSuccess(await follower.notary('list', gun));
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  async function publishOne(name: string): Promise<void> {
    expectSuccess(await owner.notary('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
    published.push(name);
  }

  /** After a rotation: publishing goes on, and an old reader and a new one see all of it. */
  async function expectEverybodyFollows(name: string): Promise<void> {
    await publishOne(name);
    for (const reader of [follower, world.user(`newcomer-${name}`)]) {
      const rows = tableRows(expectSuccess(await reader.notary('list', gun)));
      expect(rows.map(([target]) => target)).toEqual([...published].sort());
    }
  }

  const rotated = (role: string) => `Successfully rotated ${role} key for repository ${gun}\n`;
  const rotate = async (...args: string[]) => expectSuccess(await owner.notary('key', 'rotate', gun, ...args));

  promise('a new targets key is followed by everybody', async () => {
    expect(await rotate('targets')).toBe(rotated('targets'));
    await expectEverybodyFollows('targets-rotated');
  });

  promise('the snapshot key moves to the server', async () => {
    expect(await rotate('snapshot', '-r')).toBe(rotated('snapshot'));
    await expectEverybodyFollows('snapshot-at-server');
  });

  promise('the server changes its snapshot key', async () => {
    expect(await rotate('snapshot', '-r')).toBe(rotated('snapshot'));
    await expectEverybodyFollows('snapshot-at-server-again');
  });

  promise('S14 the snapshot key moves back to the publisher', async () => {
    expect(await rotate('snapshot')).toBe(rotated('snapshot'));
    await expectEverybodyFollows('snapshot-at-publisher');
  });

  promise('the server changes its timestamp key, which no client may hold', async () => {
    const refused = await owner.notary('key', 'rotate', gun, 'timestamp');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('* fatal: notary does not permit the client managing the timestamp key\n');
    expect(await rotate('timestamp', '-r')).toBe(rotated('timestamp'));
    await expectEverybodyFollows('timestamp-rotated');
  });

  promise('a new root key is made after a question, and followed by everybody', async () => {
    const no = await owner.notaryWithInput('no\n', 'key', 'rotate', gun, 'root');
    expect(no.stdout).toContain('Aborting action.\n');
    const yes = await owner.notaryWithInput('yes\n', 'key', 'rotate', gun, 'root');
    expect(expectSuccess(yes)).toEndWith(rotated('root'));
    await expectEverybodyFollows('root-rotated');
  });

  promise('a reader who slept through two root rotations follows them too', async () => {
    const sleeper = world.user('sleeper');
    expectSuccess(await sleeper.notary('list', gun));
    for (const _ of [1, 2]) expectSuccess(await owner.notaryWithInput('yes\n', 'key', 'rotate', gun, 'root'));
    await expectEverybodyFollows('root-rotated-twice');
    const rows = tableRows(expectSuccess(await sleeper.notary('list', gun)));
    expect(rows).toHaveLength(published.length);
  });

  promise('old private keys are gone from the publisher, except those of former roots', async () => {
    const files = readdirSync(join(owner.home, '.notary', 'private'));
    const rows = tableRows(expectSuccess(await owner.notary('key', 'list')));
    expect(rows.map(([role]) => role).sort()).toEqual(['root', 'root', 'root', 'root', 'snapshot', 'targets']);
    expect(files).toHaveLength(6);
  });
});
