// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promise } from './support/journal.ts';
import { expectSuccess, type NotaryWorld, openNotaryWorld, tableRows, writeContent } from './support/notary-world.ts';
import { trustServerUnderTest } from './support/programs.ts';
import { NOTARY_PASSPHRASES, type User } from './support/users.ts';
import { START_MILLISECONDS } from './support/world.ts';

const gun = 'example.com/interop/collection';
const PUBLISHED = `Pushing changes to ${gun}\nSuccessfully published changes for repository ${gun}\n`;

describe('notary CLI: a collection and its targets', () => {
  let world: NotaryWorld;
  let publisher: User;
  let reader: User;

  beforeAll(async () => {
    world = await openNotaryWorld(trustServerUnderTest());
    [publisher, reader] = [world.user('publisher'), world.user('reader')];
  }, START_MILLISECONDS);
  afterAll(() => world?.close());

  promise('init makes root, targets and snapshot keys, asking twice for each passphrase', async () => {
    const session = publisher.notaryOnTerminal('init', gun);
    const passphrases = {
      root: NOTARY_PASSPHRASES.NOTARY_ROOT_PASSPHRASE,
      targets: NOTARY_PASSPHRASES.NOTARY_TARGETS_PASSPHRASE,
      snapshot: NOTARY_PASSPHRASES.NOTARY_SNAPSHOT_PASSPHRASE,
    };
    for (const [role, passphrase] of Object.entries(passphrases)) {
      await session.expect(new RegExp(`Enter passphrase for new ${role} key with ID [0-9a-f]{7}: $`));
      await session.sendSecret(passphrase);
      await session.expect(new RegExp(`Repeat passphrase for new ${role} key with ID [0-9a-f]{7}: $`));
      await session.sendSecret(passphrase);
    }
    expect(await session.exit()).toBe(0);
  });

  promise('a collection that is not published is unknown to readers', async () => {
    const list = await reader.notary('list', gun);
    expect(list.code).toBe(1);
    expect(list.stdout).toBe(`\n* fatal: ${world.server.host} does not have trust data for ${gun}\n`);
  });

  promise('add stages a target, and status shows it', async () => {
    const file = writeContent(publisher, 'one', 'content of one');
    const added = expectSuccess(await publisher.notary('add', gun, 'one', file.path));
    expect(added).toBe(`Addition of target "one" to repository "${gun}" staged for next publish.\n`);
    const status = expectSuccess(await publisher.notary('status', gun));
    expect(status).toStartWith(`Unpublished changes for ${gun}:\n`);
    expect(status).toMatch(/^0 +create +targets +target +one$/m);
  });

  promise('publish makes the collection, and leaves nothing staged', async () => {
    expect(expectSuccess(await publisher.notary('publish', gun))).toBe(PUBLISHED);
    expect(expectSuccess(await publisher.notary('status', gun))).toBe(`No unpublished changes for ${gun}\n`);
  });

  promise('list and lookup show a reader name, digest, size and role', async () => {
    const file = writeContent(reader, 'one', 'content of one');
    const list = expectSuccess(await reader.notary('list', gun));
    expect(list).toMatch(/^NAME +DIGEST +SIZE \(BYTES\) +ROLE$/m);
    expect(tableRows(list)).toEqual([['one', file.sha256, String(file.size), 'targets']]);
    const lookup = expectSuccess(await reader.notary('lookup', gun, 'one'));
    expect(lookup).toBe(`one sha256:${file.sha256} ${file.size}\n`);
  });

  promise('lookup of a name that nobody signed fails', async () => {
    const lookup = await reader.notary('lookup', gun, 'two');
    expect(lookup).toMatchObject({ code: 1, stdout: '\n* fatal: No valid trust data for two\n' });
  });

  promise('verify passes the signed content on, from standard input and from a file', async () => {
    const verified = await reader.notaryWithInput('content of one', 'verify', gun, 'one');
    expect(verified).toMatchObject({ code: 0, stdout: 'content of one' });
    const output = join(reader.home, 'verified');
    expectSuccess(await reader.notary('verify', gun, 'one', '-i', join(reader.home, 'one'), '-o', output));
    expect(readFileSync(output, 'utf8')).toBe('content of one');
  });

  promise('verify refuses other content', async () => {
    const verified = await reader.notaryWithInput('other content', 'verify', gun, 'one');
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain('* fatal: data not present in the trusted collection');
  });

  promise('addhash and custom data are published at once with -p', async () => {
    const sha256 = 'ab'.repeat(32);
    const custom = writeContent(publisher, 'custom.json', '{"built":{"by":"ci","run":7}}');
    const added = await publisher.notary(
      'addhash',
      gun,
      'two',
      '22',
      '--sha256',
      sha256,
      '--custom',
      custom.path,
      '-p',
    );
    expect(expectSuccess(added)).toBe(
      `Addition of target "two" by sha256 hash to repository "${gun}" staged for next publish.\n` +
        `Auto-publishing changes to ${gun}\nSuccessfully published changes for repository ${gun}\n`,
    );
    expect(expectSuccess(await reader.notary('lookup', gun, 'two'))).toBe(`two sha256:${sha256} 22\n`);
  });

  promise('a removed target is gone for readers who knew it', async () => {
    const removed = expectSuccess(await publisher.notary('remove', gun, 'one'));
    expect(removed).toBe(`Removal of one from ${gun} staged for next publish.\n`);
    expect(expectSuccess(await publisher.notary('publish', gun))).toBe(PUBLISHED);
    expect(tableRows(expectSuccess(await reader.notary('list', gun))).map(([name]) => name)).toEqual(['two']);
  });

  promise('publishing nothing is allowed', async () => {
    expect(expectSuccess(await publisher.notary('publish', gun))).toBe(PUBLISHED);
  });

  promise('reset drops what is staged', async () => {
    const file = writeContent(publisher, 'three', 'content of three');
    expectSuccess(await publisher.notary('add', gun, 'three', file.path));
    const reset = expectSuccess(await publisher.notary('reset', gun, '--all'));
    expect(reset).toBe(`Successfully reset specified changes for repository ${gun}\n`);
    expect(expectSuccess(await publisher.notary('status', gun))).toBe(`No unpublished changes for ${gun}\n`);
  });

  promise('a publisher without the keys cannot publish', async () => {
    const stranger = world.user('stranger');
    const file = writeContent(stranger, 'four', 'content of four');
    expectSuccess(await stranger.notary('add', gun, 'four', file.path));
    const publish = await stranger.notary('publish', gun);
    expect(publish.code).toBe(1);
    expect(publish.stdout).toContain('* fatal: could not find necessary signing keys');
    expect((await reader.notary('lookup', gun, 'four')).code).toBe(1);
  });

  promise('a second collection of the same publisher takes the same root key', async () => {
    const second = 'example.com/interop/second';
    expect(expectSuccess(await publisher.notary('init', second, '-p'))).toMatch(
      /^Root key found, using: [0-9a-f]{64}\nAuto-publishing changes to \S+\nSuccessfully published changes/,
    );
    const list = expectSuccess(await reader.notary('list', second));
    expect(list).toBe('\nNo targets present in this repository.\n\n');
  });

  promise('delete --remote removes the collection here and on the server', async () => {
    const deleted = expectSuccess(await publisher.notary('delete', gun, '--remote'));
    expect(deleted).toBe(
      `Deleting trust data for repository ${gun}\nSuccessfully deleted local and remote trust data for repository ${gun}\n`,
    );
    const list = await world.user('newcomer').notary('list', gun);
    expect(list.code).toBe(1);
    expect(list.stdout).toBe(`\n* fatal: ${world.server.host} does not have trust data for ${gun}\n`);
    expectSuccess(await reader.notary('list', 'example.com/interop/second'));
  });

  promise('a deleted collection can be made again', async () => {
    const file = writeContent(publisher, 'again', 'made again');
    expectSuccess(await publisher.notary('init', gun));
    expectSuccess(await publisher.notary('add', gun, 'again', file.path, '-p'));
    const list = expectSuccess(await world.user('late').notary('list', gun));
    expect(tableRows(list)).toEqual([['again', file.sha256, String(file.size), 'targets']]);
  });
});
