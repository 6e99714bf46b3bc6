// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, fingerprint, openWorld } from '../../../../test/support/command-line.ts';
import { archivedGuns, readCollection } from '../../../client/index.ts';
import { notaryV1, parseGun } from '../../../tuf/index.ts';

let world: CommandLineWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const GUN = parseGun('example.com/acme/app');
const SIGNED = ['--sha256', 'ab'.repeat(32)];
const alice = (...argv: string[]) =>
  world.run('alice', ['notary', '-d', world.trustDirectory('alice'), '-s', world.trustServer, ...argv], {
    NOTARY_ROOT_PASSPHRASE: 'root-passphrase-of-tests',
    NOTARY_TARGETS_PASSPHRASE: 'repository-passphrase-of-tests',
    NOTARY_SNAPSHOT_PASSPHRASE: 'repository-passphrase-of-tests',
  });
const archive = (...argv: string[]) =>
  world.run('bob', ['archive', '--output', join(world.directory, 'kept'), ...argv]);
const kept = (...path: string[]) => join(world.directory, 'kept', ...path);

/** A repository whose root was rotated twice. */
async function publishRotated(gun: string = GUN): Promise<void> {
  for (const argv of [
    ['init', gun, '-p'],
    ['addhash', gun, 'v1', '11', ...SIGNED, '-p'],
    ['key', 'rotate', gun, 'snapshot', '-r'],
    ['key', 'rotate', gun, 'targets'],
  ])
    expect(await alice(...argv)).toMatchObject({ exitCode: 0 });
}

describe('hallmark archive', () => {
  test('copies the whole root chain and every current role, byte for byte', async () => {
    await publishRotated();
    const { exitCode, stdout } = await archive(GUN);

    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^example\.com\/acme\/app: 3 roots, 2 other files, timestamp until \d{4}-\d\d-\d\d: /,
      ),
    });
    const place = kept('v2', ...GUN.split('/'), '_trust', 'tuf');
    const names = readdirSync(place);
    expect(names.filter((name) => /^\d+\.root\.json$/.test(name)).sort()).toEqual([
      '1.root.json',
      '2.root.json',
      '3.root.json',
    ]);
    for (const name of names) {
      const served = await fetch(`${world.trustServer}/v2/${GUN}/_trust/tuf/${name}`);
      expect(Buffer.from(await served.bytes()).equals(readFileSync(join(place, name)))).toBe(true);
    }
  });

  test('an archive is read back as what it was, under its own name', async () => {
    await publishRotated();
    await archive(GUN);
    const { roots, files, note } = readCollection(kept(), GUN, notaryV1);

    expect(archivedGuns(kept())).toEqual([GUN]);
    expect(roots.map(({ version }) => version as number)).toEqual([1, 2, 3]);
    expect([...files.keys()].sort() as string[]).toEqual(['snapshot', 'targets', 'timestamp']);
    expect(note).toMatchObject({ gun: GUN, from: world.trustServer });
  });

  test('a second archive replaces the first as a whole', async () => {
    await publishRotated();
    await archive(GUN);
    await alice('addhash', GUN, 'v2', '12', ...SIGNED, '-p');
    expect((await archive(GUN)).exitCode).toBe(0);

    const { files } = readCollection(kept(), GUN, notaryV1);
    const targets = notaryV1.decode('targets', files.get('targets' as never) as Uint8Array);
    expect([...targets.signed.targets.keys()]).toEqual(['v1', 'v2']);
    expect(readdirSync(kept('v2', 'example.com', 'acme', 'app'))).toEqual(['_trust']);
  });

  test('S19 what is not trusted is not archived, and an older archive stays', async () => {
    await publishRotated();
    await archive(GUN);
    const before = fingerprint(kept());
    world.betweenTrust = async (request, next) =>
      request.url.includes('targets.') ? new Response('{"signed":{},"signatures":[]}') : next(request);

    await alice('addhash', GUN, 'v2', '12', ...SIGNED, '-p');
    const { exitCode, stderr } = await world.run('carol', ['archive', '--output', kept(), GUN]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('1 of 1 repositories not archived');
    expect(fingerprint(kept())).toEqual(before);
  });

  test('S18 a root chain that does not lead to the current root is refused', async () => {
    await publishRotated();
    await publishRotated('example.com/acme/other');
    world.betweenTrust = async (request, next) => {
      if (!request.url.endsWith('/app/_trust/tuf/1.root.json')) return next(request);
      return next(new Request(request.url.replace('/app/', '/other/'), request));
    };
    const { exitCode } = await archive(GUN);
    expect(exitCode).toBe(3);
    expect(existsSync(kept('v2', ...GUN.split('/')))).toBe(false);
  });

  test('of several repositories those that can be had are archived, and the rest is told', async () => {
    await publishRotated();
    const { exitCode, stdout, stderr } = await archive(GUN, 'example.com/acme/none', '--json');
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject([{ gun: GUN, roots: 3 }]);
    expect(stderr).toContain('1 of 2 repositories not archived');
  });

  test('a damaged archive is told as such, with its path', async () => {
    await publishRotated();
    await archive(GUN);
    writeFileSync(kept('v2', ...GUN.split('/'), '_trust', 'tuf', '2.root.json'), 'not a root');
    expect(() => readCollection(kept(), GUN, notaryV1)).toThrow();
    writeFileSync(kept('v2', ...GUN.split('/'), '_trust', 'archive.json'), '{}');
    expect(() => readCollection(kept(), GUN, notaryV1)).toThrow(/damaged archive .*archive\.json/);
    expect(() => readCollection(kept(), parseGun('example.com/none'), notaryV1)).toThrow(
      'no archive of example.com/none',
    );
  });
});
