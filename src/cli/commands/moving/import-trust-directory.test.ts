// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, fingerprint, openWorld } from '../../../../test/support/command-line.ts';

const GUN = 'example.com/acme/app';
const NOTARY = {
  NOTARY_ROOT_PASSPHRASE: 'root-passphrase-of-tests',
  NOTARY_TARGETS_PASSPHRASE: 'repository-passphrase-of-tests',
  NOTARY_SNAPSHOT_PASSPHRASE: 'repository-passphrase-of-tests',
};

let world: CommandLineWorld;
beforeEach(async () => {
  world = await openWorld();
  await old('init', GUN, '-p');
  await old('addhash', GUN, 'v1', '11', '--sha256', 'ab'.repeat(32), '-p');
  expect(await old('list', GUN)).toMatchObject({ exitCode: 0 });
});
afterEach(() => world.close());

const directory = () => join(world.directory, 'old-notary');
const old = (...argv: string[]) =>
  world.run('old', ['notary', '-d', directory(), '-s', world.trustServer, ...argv], NOTARY);
const importing = (user = 'new', ...argv: string[]) =>
  world.run(user, ['import', '--from-trust-dir', directory(), ...argv]);
const outcomes = async (user?: string): Promise<readonly { kind: string; result: string; subject: string }[]> =>
  JSON.parse((await importing(user, '--json')).stdout);

describe('hallmark import of a trust directory', () => {
  test('its keys sign, its metadata is trusted, and a second import changes nothing', async () => {
    const { exitCode, stdout } = await importing();

    expect(exitCode).toBe(0);
    expect(stdout.match(/^imported: (root|targets|snapshot) key /gm)).toHaveLength(3);
    expect(stdout).toContain(`imported: metadata ${GUN}\n`);
    const rotated = await world.run('new', ['key', 'rotate', GUN, 'targets']);
    expect(rotated).toMatchObject({ exitCode: 0 });
    expect(rotated.stderr).not.toContain('First use');
    const before = fingerprint(world.trustDirectory('new'));
    expect((await outcomes()).map(({ result }) => result)).toContain('present');
    expect(fingerprint(world.trustDirectory('new'))).toMatchObject(before);
  });

  test('keys of the layout before Notary 0.4 are taken, with the role that only their place tells', async () => {
    const place = join(directory(), 'private');
    const files = readdirSync(place);
    const root = files.find((name) => readFileSync(join(place, name), 'utf8').includes('role: root')) as string;
    mkdirSync(join(place, 'root_keys'), { mode: 0o700 });
    const bare = readFileSync(join(place, root), 'utf8').replace(/^role: .*\n/m, '');
    renameSync(join(place, root), join(place, 'root_keys', root.replace('.key', '_root.key')));
    writeFileSync(join(place, 'root_keys', root.replace('.key', '_root.key')), bare, { mode: 0o600 });

    expect(await outcomes()).toContainEqual(
      expect.objectContaining({ kind: 'key', result: 'imported', subject: `root key ${root.slice(0, 64)}` }),
    );
  });

  test('pins of the notary configuration are taken over; one that differs stays, and is told', async () => {
    const id = '12'.repeat(32);
    const config = { trust_pinning: { disable_tofu: true, certs: { [GUN]: [id], 'example.com/b': [id] } } };
    writeFileSync(join(directory(), 'config.json'), JSON.stringify(config));
    const pins = join(world.trustDirectory('careful'), 'hallmark', 'pins.json');
    mkdirSync(join(pins, '..'), { recursive: true });
    writeFileSync(pins, JSON.stringify({ certs: { 'example.com/b': ['34'.repeat(32)] } }), { mode: 0o600 });

    const { exitCode, stdout } = await importing('careful');

    // the imported pin admits nobody who signed here, so the metadata is not trusted either (S8)
    expect(exitCode).toBe(3);
    expect(stdout).toContain('imported: pin no trust on first use');
    expect(stdout).toContain(`imported: pin certificates of ${GUN}`);
    expect(stdout).toContain('left as it is here: pin certificates of example.com/b');
    expect(stdout).toContain(`not imported: metadata ${GUN}`);
    expect(JSON.parse(readFileSync(pins, 'utf8'))).toEqual({
      tofu: false,
      certs: { [GUN]: [id], 'example.com/b': ['34'.repeat(32)] },
    });
  });

  test('S8 a pin by which more would be trusted than here is not taken over', async () => {
    const config = { trust_pinning: { certs: { 'example.com/acme/other': ['12'.repeat(32)] } } };
    writeFileSync(join(directory(), 'config.json'), JSON.stringify(config));
    const pins = join(world.trustDirectory('careful'), 'hallmark', 'pins.json');
    mkdirSync(join(pins, '..'), { recursive: true });
    writeFileSync(pins, JSON.stringify({ keys: { 'example.com/acme/*': ['34'.repeat(32)] } }), { mode: 0o600 });
    const before = readFileSync(pins, 'utf8');

    const { stdout } = await importing('careful');

    expect(stdout).toContain('not imported: pin certificates of example.com/acme/other');
    expect(readFileSync(pins, 'utf8')).toBe(before);
  });

  test('S19 metadata that its keys did not sign is not taken over', async () => {
    const file = join(directory(), 'tuf', GUN, 'metadata', 'targets.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"v1"', '"v9"'));

    expect((await importing()).exitCode).toBe(3);
    expect(await outcomes('other')).toContainEqual(
      expect.objectContaining({ kind: 'metadata', result: 'refused', subject: GUN }),
    );
  });

  test('metadata that was never read to its end there, as after notary init, is told and is no failure', async () => {
    rmSync(join(directory(), 'tuf', GUN, 'metadata', 'timestamp.json'));

    const { exitCode, stdout } = await importing();

    expect(stdout).toContain(`not whole there: metadata ${GUN} (it is fetched when it is first used)\n`);
    expect(exitCode).toBe(0);
  });

  test('a key file that differs is never overwritten', async () => {
    await importing();
    const [name] = readdirSync(join(world.trustDirectory('new'), 'private')) as [string];
    const mine = join(world.trustDirectory('new'), 'private', name);
    writeFileSync(mine, `${readFileSync(mine, 'utf8')}\n`);
    const before = readFileSync(mine, 'utf8');

    expect((await importing()).exitCode).toBe(1);
    expect(readFileSync(mine, 'utf8')).toBe(before);
  });

  test('a directory that is not there, or is one’s own, is a mistake of the command line', async () => {
    const own = world.trustDirectory('old');
    mkdirSync(own, { recursive: true });
    expect(await world.run('old', ['import', '--from-trust-dir', own])).toMatchObject({ exitCode: 2 });
    expect(await world.run('old', ['import', '--from-trust-dir', `${own}-none`])).toMatchObject({ exitCode: 2 });
  });
});
