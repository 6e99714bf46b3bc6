// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestClient } from '../../test/support/client.ts';
import { refused, rejected } from '../../test/support/refusals.ts';
import { GUN, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { contentOf, modeOf, scratchDirectories } from '../../test/support/scratch.ts';
import { parseGun, parseRoleName, type RoleName } from '../tuf/index.ts';
import { readIfThere, replaceFile } from './files.ts';
import { DirectoryHighWaterMarks } from './high-water-marks.ts';
import { DirectoryMetadataCache } from './metadata-cache.ts';

const scratch = scratchDirectories();
const RELEASES = 'targets/releases' as RoleName;
const BYTES = new TextEncoder().encode('bytes');
const UNWRITABLE = { name: 'TrustDirectoryError', code: 'unwritable' };

async function onDisk(directory = scratch()) {
  const repository = (await RepositorySimulator.create()).delegate(RELEASES).tag('v1', 'one', RELEASES).publish();
  const stores = () => ({
    cache: new DirectoryMetadataCache(directory),
    marks: new DirectoryHighWaterMarks(directory),
  });
  return { repository, directory, stores, client: new TestClient(repository, stores()) };
}

describe("Docker's layout on disk", () => {
  test('holds each file byte for byte where Docker looks for it', async () => {
    const { repository, directory, client } = await onDisk();
    await client.refresh();
    const metadata = join(directory, 'tuf', 'registry.example.com', 'acme', 'app', 'metadata');

    expect(Object.keys(contentOf(metadata)).sort()).toEqual([
      'root.json',
      'snapshot.json',
      'targets.json',
      'targets/releases.json',
      'timestamp.json',
    ]);
    expect(readIfThere(join(metadata, 'targets', 'releases.json'))).toEqual(
      repository.files.get(RELEASES) as Uint8Array,
    );
  });

  test('S7 with directories of mode 0700 and files of mode 0600, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const { directory, client } = await onDisk(join(scratch(), 'trust'));
      await client.refresh();
      for (const name of ['.', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })])
        expect(`${name} ${modeOf(join(directory, name))}`).toBe(`${name} ${name.endsWith('.json') ? '0600' : '0700'}`);
    } finally {
      process.umask(before);
    }
  });

  test('is read by another process, which asks for the timestamp alone', async () => {
    const { repository, client, stores } = await onDisk();
    await client.refresh();
    repository.takeRequests();
    await new TestClient(repository, stores()).refresh();

    expect(repository.takeRequests()).toEqual(['timestamp.json']);
  });

  test('leaves no other file behind', async () => {
    const { repository, directory, client } = await onDisk();
    await client.refresh();
    repository.tag('v2', 'two', RELEASES).publish();
    await client.refresh();

    expect(Object.keys(contentOf(directory)).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  test('removing a repository removes its metadata and not that of one below it', async () => {
    const directory = scratch();
    const cache = new DirectoryMetadataCache(directory);
    const [above, below] = [parseGun('example.com/a'), parseGun('example.com/a/b')];
    for (const gun of [above, below]) cache.store(gun, parseRoleName('root'), BYTES);
    cache.remove(above);

    expect(cache.load(above, parseRoleName('root'))).toBeUndefined();
    expect(cache.load(below, parseRoleName('root'))).toEqual(BYTES);
  });

  test('S12 S13 names reach the disk only as they were parsed: nothing leaves the directory', () => {
    const directory = scratch();
    const cache = new DirectoryMetadataCache(join(directory, 'trust'));
    for (const gun of ['...', 'a/...', 'C:/x', 'example.com/~', '~/x', '%2e%2e/x'])
      cache.store(parseGun(gun), parseRoleName('targets/x'), BYTES);

    expect(readdirSync(directory)).toEqual(['trust']);
    for (const gun of ['..', 'a/../../x', '/etc', 'a//b']) refused(() => parseGun(gun), { code: 'malformed' });
  });
});

describe('a trust directory that cannot be used is a typed error, and everything is as it was', () => {
  test('it is a file', async () => {
    const directory = join(scratch(), 'trust');
    writeFileSync(directory, 'precious');
    const { client } = await onDisk(directory);

    await rejected(client.refresh(), UNWRITABLE);
    expect(new TextDecoder().decode(readIfThere(directory))).toBe('precious');
  });

  for (const part of ['tuf', 'hallmark'])
    test(`its ${part} is a file`, async () => {
      const { client, directory } = await onDisk();
      writeFileSync(join(directory, part), 'precious');
      const error = await rejected(client.refresh(), UNWRITABLE);

      expect(error).toMatchObject({ path: expect.stringContaining(directory) });
      expect(contentOf(directory)[part]).toBe('precious');
    });

  test('a directory stands where a file should be', async () => {
    const { client, directory } = await onDisk();
    mkdirSync(join(directory, 'tuf', ...GUN.split('/'), 'metadata', 'root.json'), { recursive: true });

    await rejected(client.refresh(), { name: 'TrustDirectoryError', code: 'unreadable' });
  });

  test('it is on a file system that takes no writes', () => {
    for (const path of ['/proc/hallmark-test/x.json', '/sys/hallmark-test/x.json', '/dev/null/x.json'])
      refused(() => replaceFile(path, BYTES), UNWRITABLE);
  });

  test('the disk is full: the old file stays whole and no piece of the new one is left', () => {
    const directory = scratch();
    const file = join(directory, 'file.json');
    replaceFile(file, BYTES);
    const script = `
      import { replaceFile } from ${JSON.stringify(join(import.meta.dir, 'files.ts'))};
      try { replaceFile(${JSON.stringify(file)}, new Uint8Array(100_000)); }
      catch (error) { process.stdout.write(error.name + ' ' + error.code + ' ' + error.message); }`;
    writeFileSync(join(directory, 'script.ts'), script);
    // a limit on the size of files stands for the disk: the write stops half-way with EFBIG
    const { stdout } = Bun.spawnSync(
      ['bash', '-c', `trap '' XFSZ; ulimit -f 8; exec "$0" "$1"`, process.execPath, join(directory, 'script.ts')],
      { env: { ...process.env, BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0' } },
    );

    expect(stdout.toString()).toBe(`TrustDirectoryError unwritable cannot write ${file}: EFBIG`);
    expect(readIfThere(file)).toEqual(BYTES);
    expect(readdirSync(directory).sort()).toEqual(['file.json', 'script.ts']);
  });

  test('a write that fails at the marks leaves the cache as it was', async () => {
    const { repository, client, directory } = await onDisk();
    await client.refresh();
    rmSync(join(directory, 'hallmark'), { recursive: true });
    writeFileSync(join(directory, 'hallmark'), '');
    const before = contentOf(directory);
    repository.tag('v2', 'two', RELEASES).publish();

    await rejected(client.refresh(), UNWRITABLE);
    expect(contentOf(directory)).toEqual(before);
  });
});
