// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDelegationKey } from './support/certificates.ts';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows, writeContent } from './support/notary-world.ts';
import type { Outcome } from './support/processes.ts';
import { snapshotOfFiles, type User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const NOBODY = ['-s', 'https://localhost:9'];

describe("Hallmark called as notary, beside the original, against the original's server", () => {
  let world: NotaryWorld;
  let delegate: { key: string; crt: string };

  beforeAll(async () => {
    world = await openNotaryWorld('notary');
    delegate = await makeDelegationKey(world.stage.makeDirectory('delegation-keys'), 'delegate');
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  const names = (list: Outcome) => tableRows(expectSuccess(list)).map(([name]) => name);
  const stagedRows = (status: string) => status.split('\n').filter((line) => /^\d/.test(line));
  const sha256 = ['--sha256', 'cd'.repeat(32)] as const;
  const changelist = (user: User, gun: string) => join(user.home, '.notary', 'tuf', gun, 'changelist');

  /** Both programs print the same for the same words and files. */
  async function expectSame(user: User, ...args: string[]): Promise<string> {
    const original = await user.notary(...args);
    const face = await user.notaryFace(...args);
    expect([face.code, face.stdout]).toEqual([original.code, original.stdout]);
    return face.stdout;
  }

  /** A user with every kind of change staged, by the program that `run` runs. */
  async function stageEverything(gun: string, user: User, run: (...args: string[]) => Promise<Outcome>): Promise<void> {
    const file = writeContent(user, 'file', 'content of <a> & b');
    const custom = writeContent(user, 'custom.json', '{"by":null,"built":["ci",7]}');
    expectSuccess(await run('add', gun, 'one <&>', file.path, '--custom', custom.path));
    expectSuccess(await run('addhash', gun, 'gone', '0x10', ...sha256, '--sha512', 'ab'.repeat(64)));
    expectSuccess(await run('remove', gun, 'gone'));
    expectSuccess(await run('delegation', 'add', gun, 'targets/a', delegate.crt, '--paths', 'x/,y<&>/'));
    expectSuccess(await run('delegation', 'add', gun, 'targets/b', delegate.crt, '--all-paths'));
    expectSuccess(await run('delegation', 'remove', gun, 'targets/a', '--paths', 'x/'));
    expectSuccess(await run('delegation', 'add', gun, 'targets/c', delegate.crt, '--all-paths'));
    expectSuccess(await run('delegation', 'remove', gun, 'targets/c', '-y'));
    expectSuccess(await run('delegation', 'remove', gun, 'targets/b', '--all-paths'));
    expectSuccess(await run('witness', gun, 'targets'));
  }

  async function expectEverything(gun: string, reader: User): Promise<void> {
    expect(names(await reader.notary('list', gun))).toEqual(['one <&>']);
    const delegations = await expectSame(reader, 'delegation', 'list', gun);
    expect(tableRows(delegations)).toEqual([
      ['targets/a', 'y<&>/', expect.stringMatching(/^[0-9a-f]{64}$/), '1'],
      ['targets/b', expect.stringMatching(/^[0-9a-f]{64}$/), '1'],
    ]);
    await expectSame(reader, 'list', gun);
    await expectSame(reader, 'lookup', gun, 'one <&>');
  }

  promise('what we initialize and stage, the original shows and publishes', async () => {
    const [gun, user] = ['example.com/face/ours', world.user('ours')];
    expectSuccess(await user.notaryFace('init', gun));
    await stageEverything(gun, user, (...args) => user.notaryFace(...args));
    const files = readdirSync(changelist(user, gun));
    expect(files.every((name) => /^\d{20}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.change$/.test(name))).toBe(true);
    expect(files.map((name) => statSync(join(changelist(user, gun), name)).mode & 0o777)).toEqual(
      files.map(() => 0o600),
    );
    expect(stagedRows(await expectSame(user, 'status', gun))).toHaveLength(13);

    expectSuccess(await user.notary('publish', gun));
    expect(await expectSame(user, 'status', gun)).toBe(`No unpublished changes for ${gun}\n`);
    await expectEverything(gun, world.user('reader-of-ours'));
  });

  promise('what the original initializes and stages, we show and publish', async () => {
    const [gun, user] = ['example.com/face/theirs', world.user('theirs')];
    expectSuccess(await user.notary('init', gun));
    await stageEverything(gun, user, (...args) => user.notary(...args));
    expect(stagedRows(await expectSame(user, 'status', gun))).toHaveLength(13);

    const published = expectSuccess(await user.notaryFace('publish', gun));
    expect(published).toBe(`Pushing changes to ${gun}\nSuccessfully published changes for repository ${gun}\n`);
    expect(readdirSync(changelist(user, gun))).toEqual([]);
    await expectEverything(gun, world.user('reader-of-theirs'));
  });

  promise('both publish from one trust directory in turns', async () => {
    const [gun, user, reader] = ['example.com/face/turns', world.user('turns'), world.user('reader-of-turns')];
    expectSuccess(await user.notaryFace('init', gun, '-p'));
    const signed: string[] = [];
    for (const name of ['a-original', 'b-ours', 'c-original', 'd-ours']) {
      const run = name.endsWith('ours') ? user.notaryFace.bind(user) : user.notary.bind(user);
      expectSuccess(await run('addhash', gun, name, '11', ...sha256, '-p'));
      signed.push(name);
      expect(names(await reader.notary('list', gun))).toEqual(signed);
      expect(names(await reader.notaryFace('list', gun))).toEqual(signed);
    }
    await expectSame(user, 'key', 'list');
  });

  promise('a delegate signs with us what the original reads, also after a witness', async () => {
    const [gun, owner, reader] = ['example.com/face/witness', world.user('owner'), world.user('reader-of-witness')];
    const replacement = await makeDelegationKey(world.stage.makeDirectory('replacement-keys'), 'replacement');
    expectSuccess(await owner.notaryFace('init', gun, '-p'));
    expectSuccess(
      await owner.notaryFace('delegation', 'add', gun, 'targets/releases', delegate.crt, '--all-paths', '-p'),
    );
    expectSuccess(await owner.notaryFace('key', 'import', delegate.key, '--role', 'targets/releases'));
    expectSuccess(await owner.notaryFace('addhash', gun, 'kept', '11', ...sha256, '-r', 'targets/releases', '-p'));
    expect(names(await reader.notary('list', gun))).toEqual(['kept']);

    const keyId = tableRows(expectSuccess(await reader.notaryFace('delegation', 'list', gun)))[0]?.[2] ?? '';
    expectSuccess(await owner.notaryFace('delegation', 'add', gun, 'targets/releases', replacement.crt));
    expectSuccess(await owner.notaryFace('delegation', 'purge', gun, '--key', keyId, '-p'));
    expect(await expectSame(reader, 'list', gun)).toContain('No targets present');
    expectSuccess(await owner.notaryFace('key', 'import', replacement.key, '--role', 'targets/releases'));
    expectSuccess(await owner.notaryFace('witness', gun, 'targets/releases', '-p'));
    expect(names(await reader.notary('list', gun))).toEqual(['kept']);
  });

  promise("on a terminal it asks in the original's words, again after a wrong passphrase", async () => {
    const [gun, user] = ['example.com/face/terminal', world.user('terminal')];
    const session = user.notaryFaceOnTerminal('init', gun);
    await session.expect(/^You are about to create a new root signing key passphrase\./);
    for (const role of ['root', 'targets', 'snapshot'])
      for (const ask of ['Enter', 'Repeat']) {
        await session.expect(new RegExp(`${ask} passphrase for new ${role} key with ID [0-9a-f]{7}: $`));
        await session.sendSecret(`${role} passphrase`);
      }
    expect(await session.exit()).toBe(0);

    const publish = user.notaryFaceOnTerminal('publish', gun);
    await publish.expect(/Enter passphrase for targets key with ID [0-9a-f]{7}: $/);
    await publish.sendSecret('wrong passphrase');
    await publish.expect(
      /Passphrase incorrect\. Please retry\.\r\nEnter passphrase for targets key with ID [0-9a-f]{7}: $/,
    );
    await publish.sendSecret('targets passphrase');
    await publish.expect(/Enter passphrase for snapshot key with ID [0-9a-f]{7}: $/);
    await publish.sendSecret('snapshot passphrase');
    expect(await publish.exit()).toBe(0);
    expect(publish.transcript).toEndWith(`Successfully published changes for repository ${gun}\n`);

    const keyId = tableRows(expectSuccess(await user.notary('key', 'list')))[0]?.at(-2) ?? '';
    const removal = user.notaryFaceOnTerminal('key', 'remove', keyId);
    await removal.expect(/\(yes\/no\) {2}$/);
    removal.send('yes\n');
    expect(await removal.exit()).toBe(0);
    expect(expectSuccess(await user.notary('key', 'list'))).not.toContain(keyId);
  });

  promise('keys that one exports the other imports', async () => {
    const user = world.user('exporter');
    expectSuccess(await user.notaryFace('key', 'generate', '-r', 'user'));
    expectSuccess(await user.notary('key', 'generate', '-r', 'other'));
    await expectSame(user, 'key', 'list');
    await expectSame(user, 'key', 'export');
    expectSuccess(await user.notaryFace('key', 'export', '-o', 'ours.pem'));
    expectSuccess(await user.notary('key', 'export', '-o', 'theirs.pem'));
    expectSuccess(await user.notaryFace('-d', 'imported', 'key', 'import', 'theirs.pem'));
    expectSuccess(await user.notary('-d', 'imported-too', 'key', 'import', 'ours.pem'));
    const stored = snapshotOfFiles(join(user.home, '.notary', 'private'));
    expect(snapshotOfFiles(join(user.home, 'imported', 'private'))).toEqual(stored);
    expect(snapshotOfFiles(join(user.home, 'imported-too', 'private'))).toEqual(stored);
  });

  promise('while the server is silent, both read from a cache that the original filled', async () => {
    const [gun, user] = ['example.com/face/turns', world.user('offline')];
    expectSuccess(await user.notary('list', gun));
    const offline = await user.notaryFace(...NOBODY, 'list', gun);
    expect(names(offline)).toHaveLength(4);
    expect(offline.stdout).toBe((await user.notary(...NOBODY, 'list', gun)).stdout);
    expect(offline.stderr).toContain(
      'using cached timestamp - this might not be the latest version available remotely',
    );
    for (const args of [
      ['publish', gun],
      ['list', 'example.com/face/unknown'],
    ])
      await expectSame(user, ...NOBODY, ...args);
  });

  promise('what cannot be done fails in the same words', async () => {
    const [gun, user] = ['example.com/face/refused', world.user('refused')];
    expectSuccess(await user.notary('init', gun, '-p'));
    const file = writeContent(user, 'file', 'content');
    for (const args of [
      ['add', gun, 't', 'nofile'],
      ['add', gun, 't', file.path, '-r', 'notarole'],
      ['addhash', gun, 't', 'ten', ...sha256],
      ['addhash', gun, 't', '10', '--sha256', 'aa'],
      ['addhash', gun, 't', '10', '--sha256', 'z'.repeat(64)],
      ['lookup', gun, 'nothing'],
      ['verify', gun, 'nothing', '-i', file.path],
      ['list', 'example.com/face/nosuch'],
      ['delegation', 'list', 'example.com/face/nosuch'],
      ['delegation', 'add', gun, 'notarole', delegate.crt],
      ['delegation', 'add', gun, 'targets/a', delegate.key],
      ['delegation', 'add', gun, 'targets/a', 'nofile'],
      ['delegation', 'remove', gun, 'zzz', '-y'],
      ['key', 'rotate', gun, 'timestamp'],
      ['key', 'rotate', gun, 'targets', '-r'],
      ['key', 'rotate', gun, 'nonsense'],
      ['key', 'remove', 'abc'],
      ['key', 'remove', '0'.repeat(64)],
      ['key', 'passwd', '0'.repeat(64)],
      ['key', 'generate', 'rsa'],
      ['frobnicate'],
      ['list', '--nope'],
    ])
      await expectSame(user, ...args);
  });

  promise('staged changes that cannot be published fail in the same words', async () => {
    const [gun, user] = ['example.com/face/unpublishable', world.user('unpublishable')];
    expectSuccess(await user.notary('init', gun, '-p'));
    for (const args of [
      ['addhash', gun, 't', '10', ...sha256, '-r', 'targets/nothere'],
      ['delegation', 'add', gun, 'targets/nope/child', delegate.crt],
      ['delegation', 'add', gun, 'targets/d', '--paths', 'p/'],
      ['witness', gun, 'targets/nothere'],
      ['witness', gun, 'root'],
      ['witness', gun, 'Bad*Role'],
    ]) {
      expectSuccess(await user.notaryFace(...args));
      await expectSame(user, 'status', gun);
      await expectSame(user, 'publish', gun);
      await expectSame(user, 'reset', gun, '--all');
    }
    expect(await expectSame(user, 'list', gun)).toContain('No targets present');
  });
});
