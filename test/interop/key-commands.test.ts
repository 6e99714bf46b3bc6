// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows } from './support/notary-world.ts';
import { NOTARY_PASSPHRASES, snapshotOfFiles, type User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/interop/keys';
const BACKUP_PASSPHRASE = 'backup passphrase of a test';

describe('hallmark key against notary-server, with notary as the witness', () => {
  let world: NotaryWorld;
  let owner: User;
  /** Has followed the collection from its first version. */
  let follower: User;
  const published: string[] = [];

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    [owner, follower] = [world.user('owner'), world.user('follower')];
    expectSuccess(await owner.notaryOnDockerTrust('init', gun));
    await publishOne('first');
    expectSuccess(await follower.notary('list', gun));
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const key = (...args: string[]) => owner.hallmarkWith(NOTARY_PASSPHRASES, 'key', ...args);
  const rotate = async (...args: string[]) => expectSuccess(await key('rotate', gun, ...args));
  const rotated = (role: string) => `Successfully rotated ${role} key for repository ${gun}\n`;
  const keysByRole = async () => {
    const { keys } = JSON.parse(expectSuccess(await key('list', '--json')));
    return keys.map(({ role, keyId }: { role: string; keyId: string }) => [role, keyId]) as [string, string][];
  };

  async function publishOne(name: string): Promise<void> {
    expectSuccess(await owner.notaryOnDockerTrust('addhash', gun, name, '11', '--sha256', 'cd'.repeat(32), '-p'));
    published.push(name);
  }

  /** After a rotation: notary publishes with the keys that hallmark left, and an old reader and a new one see all. */
  async function expectEverybodyFollows(name: string): Promise<void> {
    await publishOne(name);
    for (const reader of [follower, world.user(`newcomer-${name}`)]) {
      const rows = tableRows(expectSuccess(await reader.notary('list', gun)));
      expect(rows.map(([target]) => target)).toEqual([...published].sort());
    }
  }

  promise('both list the same keys', async () => {
    const ours = (await keysByRole()).map(([role, id]) => `${role} ${id}`).sort();
    const theirs = tableRows(expectSuccess(await owner.notaryOnDockerTrust('key', 'list')));
    // notary shortens names; the ID stands in the column before the last
    expect(ours).toEqual(theirs.map((row) => `${row[0]} ${row.find((cell) => /^[0-9a-f]{64}$/.test(cell))}`).sort());
  });

  promise('targets: notary signs on with the key that hallmark made', async () => {
    expect(await rotate('targets')).toBe(rotated('targets'));
    await expectEverybodyFollows('targets');
  });

  promise('snapshot: to the server, and back to the owner', async () => {
    expect(await rotate('snapshot', '--server-managed')).toBe(rotated('snapshot'));
    await expectEverybodyFollows('snapshot-at-server');
    expect(await rotate('snapshot')).toBe(rotated('snapshot'));
    await expectEverybodyFollows('snapshot-at-owner');
  });

  promise('timestamp: the server makes another key', async () => {
    expect(await rotate('timestamp')).toBe(rotated('timestamp'));
    await expectEverybodyFollows('timestamp');
  });

  promise('root: old and new sign, and the old key stays', async () => {
    expect(await rotate('root')).toBe(rotated('root'));
    await expectEverybodyFollows('root');
    expect((await keysByRole()).filter(([role]) => role === 'root')).toHaveLength(2);
  });

  promise('renew-certificate: notary follows to the new certificate of the same key', async () => {
    const before = await keysByRole();
    const answer = expectSuccess(await key('renew-certificate', gun));
    expect(answer).toBe(`Successfully renewed the root certificates of repository ${gun}\n`);
    expect(await keysByRole()).toEqual(before);
    await expectEverybodyFollows('certificate');
  });

  promise('two root keys of which both must sign are followed by notary', async () => {
    const roots = (await keysByRole()).filter(([role]) => role === 'root').map(([, id]) => id);
    expect(await rotate('root', ...roots.flatMap((id) => ['--key', id]), '--threshold', '2')).toBe(rotated('root'));
    await expectEverybodyFollows('two-roots');
  });

  promise('what one exports the other imports', async () => {
    const [ours, theirs] = [join(owner.home, 'ours.pem'), join(owner.home, 'theirs.pem')];
    expectSuccess(await key('export', '-o', ours));
    expectSuccess(await owner.notaryOnDockerTrust('key', 'export', '-o', theirs));
    const [a, b] = [world.user('importer-a'), world.user('importer-b')];
    expectSuccess(await a.notaryOnDockerTrust('key', 'import', ours));
    expectSuccess(await b.hallmarkWith(NOTARY_PASSPHRASES, 'key', 'import', theirs));
    const files = (user: User) => snapshotOfFiles(join(user.trustDirectory, 'private'));
    expect(files(a)).toEqual(files(owner));
    expect(files(b)).toEqual(files(owner));
  });

  promise(
    'a lost machine: backup by passphrase, three wrong ones end with 1, the right one and notary signs again',
    async () => {
      const backup = join(owner.home, 'keys.backup');
      const making = owner.hallmarkOnTerminal('key', 'backup', backup, '--page', join(owner.home, 'page.html'));
      await making.expect(/Enter passphrase for the new backup: $/);
      await making.sendSecret(BACKUP_PASSPHRASE);
      await making.expect(/Repeat passphrase for the new backup: $/);
      await making.sendSecret(BACKUP_PASSPHRASE);
      expect(await making.exit()).toBe(0);
      const keys = snapshotOfFiles(join(owner.trustDirectory, 'private'));
      rmSync(join(owner.trustDirectory, 'private'), { recursive: true });

      const wrong = owner.hallmarkOnTerminal('key', 'restore', backup);
      for (let attempt = 0; attempt < 3; attempt++) {
        await wrong.expect(/Enter passphrase for the backup: $/);
        await wrong.sendSecret('not the passphrase');
      }
      await wrong.expect(/wrong passphrase for the backup/);
      expect(await wrong.exit()).toBe(1);
      expect(readdirSync(owner.trustDirectory)).not.toContain('private');

      const right = owner.hallmarkOnTerminal('key', 'restore', backup);
      await right.expect(/Enter passphrase for the backup: $/);
      await right.sendSecret(BACKUP_PASSPHRASE);
      expect(await right.exit()).toBe(0);
      expect(snapshotOfFiles(join(owner.trustDirectory, 'private'))).toEqual(keys);
      for (const { transcript } of [making, wrong, right]) expect(transcript).not.toMatch(/backup passphrase|not the/);
      await expectEverybodyFollows('restored');
    },
  );

  promise('a lost machine: two of three shares, one typed from paper', async () => {
    const backup = join(owner.home, 'shared.backup');
    const { shares } = JSON.parse(
      expectSuccess(await key('backup', backup, '--shares', '3', '--needed', '2', '--json')),
    );
    const keys = snapshotOfFiles(join(owner.trustDirectory, 'private'));
    rmSync(join(owner.trustDirectory, 'private'), { recursive: true });

    const restore = owner.hallmarkOnTerminal('key', 'restore', backup);
    await restore.expect(/Enter share 1 of the 2 needed: $/);
    await restore.sendSecret(`${shares[2]}`.toLowerCase().replaceAll('-', ' '));
    await restore.expect(/Enter share 2 of the 2 needed: $/);
    await restore.sendSecret(`${shares[2]}`);
    await restore.expect(/This share was given already\. Please retry\./);
    await restore.expect(/Enter share 2 of the 2 needed: $/);
    await restore.sendSecret(`${shares[0]}`.replace(/.$/, 'U'));
    await restore.expect(/Please retry\./);
    await restore.expect(/Enter share 2 of the 2 needed: $/);
    await restore.sendSecret(`${shares[0]}`);
    expect(await restore.exit()).toBe(0);
    expect(restore.transcript).not.toContain(`${shares[0]}`.slice(4, 20));
    expect(snapshotOfFiles(join(owner.trustDirectory, 'private'))).toEqual(keys);
    await expectEverybodyFollows('restored-by-shares');
  });

  promise('a passphrase is changed on the terminal, and the key opens with the new one from then on', async () => {
    const [, keyId = ''] = (await keysByRole()).find(([role]) => role === 'targets') ?? [];
    const session = owner.hallmarkOnTerminal('key', 'passwd', keyId);
    await session.expect(/Enter passphrase for repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(NOTARY_PASSPHRASES.NOTARY_TARGETS_PASSPHRASE);
    await session.expect(/Enter passphrase for new repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret('short77');
    await session.expect(/Passphrase is too short/);
    await session.expect(/Enter passphrase for new repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(NOTARY_PASSPHRASES.NOTARY_SNAPSHOT_PASSPHRASE);
    await session.expect(/Repeat passphrase for new repository key with ID [0-9a-f]{7}: $/);
    await session.sendSecret(NOTARY_PASSPHRASES.NOTARY_SNAPSHOT_PASSPHRASE);
    expect(await session.exit()).toBe(0);
    const variables = {
      ...NOTARY_PASSPHRASES,
      NOTARY_TARGETS_PASSPHRASE: NOTARY_PASSPHRASES.NOTARY_SNAPSHOT_PASSPHRASE,
    };
    expectSuccess(await owner.hallmarkWith(variables, 'key', 'rotate', gun, 'targets', '--key', keyId));
  });

  promise('a key is removed after a question that tells what it signed', async () => {
    const [, keyId = ''] = (await keysByRole()).find(([role]) => role === 'targets') ?? [];
    const no = owner.hallmarkOnTerminal('key', 'remove', keyId);
    await no.expect(new RegExp(`without this key targets of ${gun} cannot be signed any more`));
    await no.expect(/for good\? \[y\/N\] $/);
    no.send('n\n');
    expect(await no.exit()).toBe(0);
    expect((await keysByRole()).map(([, id]) => id)).toContain(keyId);
    const yes = owner.hallmarkOnTerminal('key', 'remove', keyId);
    await yes.expect(/for good\? \[y\/N\] $/);
    yes.send('y\n');
    expect(await yes.exit()).toBe(0);
    expect((await keysByRole()).map(([, id]) => id)).not.toContain(keyId);
  });
});
