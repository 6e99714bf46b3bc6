// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandLineWorld, openWorld } from '../../../../test/support/command-line.ts';
import { writeImage } from '../../../lab/index.ts';

let world: CommandLineWorld;
let repository: string;
/** The canonical ID of the repository's root key. */
let rootKey: string;
const OTHER = 'c'.repeat(64);

beforeAll(async () => {
  world = await openWorld();
  repository = `${world.registryHost}/pins/app`;
  const image = join(world.directory, 'image');
  await writeImage(image, 'something to sign');
  const push = await world.run('owner', ['push', '--from', `oci:${image}`, `${repository}:1`]);
  expect(push.exitCode).toBe(0);
  const { stdout } = await world.run('owner', ['pin', 'export', repository]);
  rootKey = JSON.parse(stdout).keys[repository][0];
});
afterAll(() => world?.close());

const verify = async (user: string) => (await world.run(user, ['verify', `${repository}:1`])).exitCode;
const pins = async (user: string) => JSON.parse((await world.run(user, ['pin', 'list', '--json'])).stdout);

describe('hallmark pin', () => {
  test('export gives the root keys trusted now, by canonical ID, and nothing about first use', async () => {
    const { stdout } = await world.run('owner', ['pin', 'export', repository]);
    expect(JSON.parse(stdout)).toEqual({ keys: { [repository]: [expect.stringMatching(/^[0-9a-f]{64}$/)] } });
  });

  test('an exported file is imported, and holds before the first use', async () => {
    const file = join(world.directory, 'exported.json');
    expect((await world.run('owner', ['pin', 'export', repository, '-o', file])).exitCode).toBe(0);
    expect((await world.run('importer', ['pin', 'tofu', 'off'])).exitCode).toBe(0);
    expect(await verify('importer')).toBe(3);
    const imported = await world.run('importer', ['pin', 'import', file]);
    expect(imported).toMatchObject({ exitCode: 0, stdout: `Imported pins of ${repository}\n`, stderr: '' });
    expect(await pins('importer')).toEqual({ tofu: false, keys: { [repository]: [rootKey] } });
    expect(await verify('importer')).toBe(0);
  });

  test('a wrong pin makes the first use a refusal, exit code 3, that leaves nothing trusted', async () => {
    expect((await world.run('wary', ['pin', 'add', repository, '--key', OTHER])).exitCode).toBe(0);
    expect(await verify('wary')).toBe(3);
    expect((await world.run('wary', ['pin', 'remove', repository])).exitCode).toBe(0);
    expect(await verify('wary')).toBe(0);
  });

  test('a prefix pins all below it, and the more specific pin holds', async () => {
    const prefix = `${world.registryHost}/pins/*`;
    expect((await world.run('prefix', ['pin', 'add', prefix, '--key', OTHER])).exitCode).toBe(0);
    expect(await verify('prefix')).toBe(3);
    expect((await world.run('prefix', ['pin', 'add', repository, '--key', rootKey])).exitCode).toBe(0);
    expect(await verify('prefix')).toBe(0);
  });

  test('import refuses to trust more than before, unless told to', async () => {
    const file = join(world.directory, 'weaker.json');
    writeFileSync(file, JSON.stringify({ tofu: true, keys: { [repository]: [OTHER] } }));
    for (const argv of [
      ['pin', 'tofu', 'off'],
      ['pin', 'add', repository, '--key', rootKey],
    ])
      expect((await world.run('careful', argv)).exitCode).toBe(0);
    const before = await pins('careful');
    const refused = await world.run('careful', ['pin', 'import', file]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('trust on first use would be allowed again');
    expect(refused.stderr).toContain(`${repository} would also trust ${OTHER}`);
    expect(await pins('careful')).toEqual(before);
    expect((await world.run('careful', ['pin', 'import', file, '--replace'])).exitCode).toBe(0);
    expect(await pins('careful')).toEqual({ tofu: true, keys: { [repository]: [OTHER] } });
  });

  test('a pin that contradicts what is trusted already is refused: only --forget lets it decide', async () => {
    expect(await verify('late')).toBe(0);
    const refused = await world.run('late', ['pin', 'add', repository, '--key', OTHER]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('another root key is trusted already');
    expect(await pins('late')).toEqual({ tofu: true });
    expect((await world.run('late', ['pin', 'add', repository, '--key', OTHER, '--forget'])).exitCode).toBe(0);
    expect(await verify('late')).toBe(3);
  });

  test('pin add without a key pins what is trusted now, and a first use says so', async () => {
    const added = await world.run('now', ['pin', 'add', repository]);
    expect(added.stdout).toBe(`Pinned ${repository}: ${rootKey}\n`);
    expect(added.stderr).toContain(`First use of ${repository}: pinned root key ${rootKey.slice(0, 12)}`);
  });

  test('some keys of a pin are removed, and the pin with its last one', async () => {
    for (const key of [rootKey, OTHER])
      expect((await world.run('fewer', ['pin', 'add', repository, '--key', key])).exitCode).toBe(0);
    await world.run('fewer', ['pin', 'remove', repository, '--key', OTHER]);
    expect(await pins('fewer')).toMatchObject({ keys: { [repository]: [rootKey] } });
    await world.run('fewer', ['pin', 'remove', repository, '--key', rootKey]);
    expect(await pins('fewer')).toEqual({ tofu: true });
    expect((await world.run('fewer', ['pin', 'remove', repository])).exitCode).toBe(2);
  });

  test('a damaged pins file stops every command: it is never taken for "no pins"', async () => {
    expect((await world.run('damaged', ['pin', 'tofu', 'off'])).exitCode).toBe(0);
    const path = join(world.trustDirectory('damaged'), 'hallmark', 'pins.json');
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -4));
    const refused = await world.run('damaged', ['verify', `${repository}:1`]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain(path);
  });

  test('IDs, names and files that are none are told on one line', async () => {
    for (const argv of [
      ['add', `${repository}:1`, '--key', rootKey],
      ['add', repository, '--cert', 'abc'],
      ['add', repository, '--key', '/nonexistent'],
      ['add', 'a/*/b*', '--key', rootKey],
      ['tofu', 'maybe'],
      ['import', '/nonexistent'],
    ]) {
      const refused = await world.run('typist', ['pin', ...argv]);
      expect([argv, refused.exitCode === 0, refused.stdout]).toEqual([argv, false, '']);
      expect(refused.stderr).not.toContain('internal error');
    }
  });
});
