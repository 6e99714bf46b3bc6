// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows } from './support/notary-world.ts';
import type { User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/face/rotated';

describe('Hallmark called as notary rotates every key, and the original goes on', () => {
  let world: NotaryWorld;
  let owner: User;
  /** Has followed the collection from its first version, with the original. */
  let follower: User;
  /** The same with Hallmark. */
  let ours: User;
  const published: string[] = [];

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    [owner, follower, ours] = [world.user('owner'), world.user('follower'), world.user('ours')];
    expectSuccess(await owner.notary('init', gun, '-p'));
    expectSuccess(await follower.notary('list', gun));
    expectSuccess(await ours.notaryFace('list', gun));
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  /** Both programs publish with the new keys, and readers old and new of both programs see all of it. */
  async function expectEverybodyFollows(step: string): Promise<void> {
    for (const run of [owner.notary.bind(owner), owner.notaryFace.bind(owner)]) {
      const name = `${String(published.length).padStart(2, '0')}-${step}`;
      expectSuccess(await run('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
      published.push(name);
    }
    for (const reader of [follower, world.user(`newcomer-${step}`)])
      expect(tableRows(expectSuccess(await reader.notary('list', gun))).map(([name]) => name)).toEqual(published);
    expect(tableRows(expectSuccess(await ours.notaryFace('list', gun))).map(([name]) => name)).toEqual(published);
  }

  const rotated = (role: string) => `Successfully rotated ${role} key for repository ${gun}\n`;

  for (const [step, ...args] of [
    ['targets', 'targets'],
    ['snapshot-to-server', 'snapshot', '-r'],
    ['snapshot-at-server', 'snapshot', '-r'],
    ['snapshot-back', 'snapshot'],
    ['timestamp', 'timestamp', '-r'],
  ] as const) {
    promise(`${step}: by us, then by the original`, async () => {
      expectSuccess(await owner.notaryFace('addhash', gun, 'staged', '1', '--sha256', 'ab'.repeat(32)));
      expect(expectSuccess(await owner.notaryFace('key', 'rotate', gun, ...args))).toBe(rotated(args[0]));
      expect(expectSuccess(await owner.notary('status', gun))).toMatch(/^0 +create +targets +target +staged\n$/m);
      expectSuccess(await owner.notary('reset', gun, '--all'));
      await expectEverybodyFollows(`${step}-ours`);
      expect(expectSuccess(await owner.notary('key', 'rotate', gun, ...args))).toBe(rotated(args[0]));
      await expectEverybodyFollows(`${step}-theirs`);
    });
  }

  promise('root: by us after a question, then by the original, and a sleeper follows both', async () => {
    const sleeper = world.user('sleeper');
    expectSuccess(await sleeper.notaryFace('list', gun));
    const no = await owner.notaryFaceWithInput('no\n', 'key', 'rotate', gun, 'root');
    expect([no.code, no.stdout.endsWith('(yes/no)  \nAborting action.\n')]).toEqual([0, true]);
    const yes = await owner.notaryFaceWithInput('yes\n', 'key', 'rotate', gun, 'root');
    expect(expectSuccess(yes)).toEndWith(rotated('root'));
    await expectEverybodyFollows('root-ours');
    expectSuccess(await owner.notaryWithInput('yes\n', 'key', 'rotate', gun, 'root'));
    await expectEverybodyFollows('root-theirs');
    expect(tableRows(expectSuccess(await sleeper.notaryFace('list', gun)))).toHaveLength(published.length);
  });

  promise('a stranger without keys rotates nothing', async () => {
    const refused = await world.user('stranger').notaryFace('key', 'rotate', gun, 'targets');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /^\n\* fatal: signing keys not available: need 1 keys from 1 possible keys \([0-9a-f]{64}\)\n$/,
    );
    await expectEverybodyFollows('stranger');
  });

  promise('no private key is left but the current ones and those of former roots', async () => {
    const rows = tableRows(expectSuccess(await owner.notary('key', 'list')));
    expect(rows.map(([role]) => role).sort()).toEqual(['root', 'root', 'root', 'snapshot', 'targets']);
    expect((await owner.notaryFace('key', 'list')).stdout).toBe((await owner.notary('key', 'list')).stdout);
  });
});
