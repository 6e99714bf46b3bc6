// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestClient } from '../../test/support/client.ts';
import { refused, rejected } from '../../test/support/refusals.ts';
import { GUN, NOW, RepositorySimulator } from '../../test/support/repository-simulator.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { notaryV1, parseGun, ROOT, type RoleName, sha256Hex } from '../tuf/index.ts';
import { fetchCollection } from './collection.ts';
import { archivedGuns, readCollection, writeCollection } from './collection-directory.ts';

const scratch = scratchDirectories();
const RELEASES = 'targets/releases';
const ABOUT = { from: 'https://trust.example.com', archivedAt: NOW };
const DAMAGED = { name: 'TrustDirectoryError', code: 'damaged' };

/** A repository at root 3, with a delegation, and what a client copies of it. */
async function copied() {
  const repository = (await RepositorySimulator.create()).delegate(RELEASES).tag('v1', 'one', RELEASES).publish();
  await repository.rotate('timestamp');
  await repository.rotate('root');
  repository.publish();
  const client = new TestClient(repository);
  const trusted = await client.refresh();
  const fetch = () => fetchCollection({ repository: trusted, fetcher: repository, dialect: notaryV1, now: NOW });
  return { repository, client, fetch, collection: await fetch() };
}

async function archived() {
  const stage = await copied();
  const directory = scratch();
  const place = writeCollection(directory, stage.collection, ABOUT, notaryV1);
  return { ...stage, directory, place, read: () => readCollection(directory, GUN, notaryV1) };
}

describe('a copied collection', () => {
  test('has every root from the first, and the current file of every role', async () => {
    const { repository, collection } = await copied();

    expect(collection.roots.map(({ version }) => version as number)).toEqual([1, 2, 3]);
    expect(collection.roots.at(-1)?.file).toEqual(repository.files.get(ROOT) as Uint8Array);
    expect([...collection.files.keys()].sort() as string[]).toEqual(
      ['snapshot', 'targets', RELEASES, 'timestamp'].sort(),
    );
  });

  test('S18 has no root whose chain does not lead to the one that is trusted', async () => {
    const { repository, fetch } = await copied();
    const stranger = (await RepositorySimulator.create()).served.get('1.root.json');
    repository.answer('1.root.json', stranger);

    await rejected(fetch(), { name: 'VerificationError', code: 'root-chain' });
  });

  test('begins where the server has no older root', async () => {
    const { repository, fetch } = await copied();
    repository.answer('1.root.json', undefined);

    const collection = await fetch();
    expect(collection.roots.map(({ version }) => version as number)).toEqual([2, 3]);
    const directory = scratch();
    writeCollection(directory, collection, ABOUT, notaryV1);
    expect(readCollection(directory, GUN, notaryV1).roots).toEqual(collection.roots);
  });

  test('has the delegations that clients pass over, whose files they ask for all the same', async () => {
    const { repository, client } = await copied();
    repository.set(RELEASES, { expires: new Date(NOW.getTime() - 1) }).publish();
    const trusted = await client.refresh();
    const { files } = await fetchCollection({ repository: trusted, fetcher: repository, dialect: notaryV1, now: NOW });

    expect([...trusted.refused.keys()] as string[]).toEqual([RELEASES]);
    expect(files.get(RELEASES as RoleName)).toEqual(repository.files.get(RELEASES as RoleName) as Uint8Array);
  });

  test('has nothing of a delegation that the snapshot hides', async () => {
    const { repository, client } = await copied();
    repository.snapshotTrick = (meta) => void meta.set(RELEASES as RoleName, null);
    repository.tag('v3').publish();
    const trusted = await client.refresh();
    const { files } = await fetchCollection({ repository: trusted, fetcher: repository, dialect: notaryV1, now: NOW });

    expect([...trusted.refused.keys()] as string[]).toEqual([RELEASES]);
    expect([...files.keys()] as string[]).not.toContain(RELEASES);
  });
});

describe('an archive', () => {
  test('gives back, byte for byte, what was put in, under the names of the API', async () => {
    const { collection, read, place, directory } = await archived();

    const { note, ...found } = read();
    expect(found as object).toEqual(collection);
    expect(note as object).toEqual({ gun: GUN, ...ABOUT });
    for (const name of ['root.json', '1.root.json', 'timestamp.json', `${RELEASES}.json`])
      expect(existsSync(join(place, 'tuf', name))).toBe(true);
    const listed = JSON.parse(readFileSync(join(place, 'archive.json'), 'utf8')).files as {
      name: string;
      sha256: string;
    }[];
    for (const { name, sha256 } of listed)
      expect(sha256Hex(new Uint8Array(readFileSync(join(place, 'tuf', name))))).toBe(sha256);
    expect(archivedGuns(directory)).toEqual([GUN]);
  });

  test('is replaced as a whole, and nothing is left beside it', async () => {
    const { repository, directory, place, fetch, read } = await archived();
    writeFileSync(join(place, 'stray'), '');
    repository.tag('v2', 'two', RELEASES).publish();
    const trusted = await new TestClient(repository).refresh();
    const newer = await fetchCollection({ repository: trusted, fetcher: repository, dialect: notaryV1, now: NOW });

    writeCollection(directory, newer, { ...ABOUT, from: 'elsewhere' }, notaryV1);

    expect(read().note.from).toBe('elsewhere');
    expect(read().files.get(RELEASES as RoleName)).toEqual(newer.files.get(RELEASES as RoleName) as Uint8Array);
    expect(readdirSync(join(place, '..'))).toEqual(['_trust']);
    expect(existsSync(join(place, 'stray'))).toBe(false);
    expect(await fetch()).toBeDefined();
  });

  test('that lacks a file or has another in its place is damaged', async () => {
    const { place, read } = await archived();
    const original = readFileSync(join(place, 'tuf', 'snapshot.json'));
    for (const content of [undefined, '{}', 'x']) {
      rmSync(join(place, 'tuf', 'snapshot.json'));
      if (content !== undefined) writeFileSync(join(place, 'tuf', 'snapshot.json'), content);
      refused(read, DAMAGED);
      writeFileSync(join(place, 'tuf', 'snapshot.json'), original);
    }
    read();
  });

  test('may lack the file of a delegation, and then has none of it; of targets it may not', async () => {
    const { place, read } = await archived();
    const drop = (role: string) => {
      for (const file of readdirSync(join(place, 'tuf'), { recursive: true, encoding: 'utf8' }))
        if (file.startsWith(`${role}.`)) rmSync(join(place, 'tuf', file));
    };

    drop(RELEASES);
    expect([...read().files.keys()].sort() as string[]).toEqual(['snapshot', 'targets', 'timestamp']);
    drop('targets');
    refused(read, DAMAGED);
  });

  test('whose note is missing, of another collection or no note is no archive', async () => {
    const { directory, place, read } = await archived();
    const note = join(place, 'archive.json');
    const good = JSON.parse(readFileSync(note, 'utf8'));
    const odd = [
      { ...good, gun: 'example.com/x' },
      { ...good, archivedAt: 'never' },
      { ...good, archivedAt: undefined },
    ];
    for (const content of [...odd.map((value) => JSON.stringify(value)), '', '[]', '{']) {
      writeFileSync(note, content);
      refused(read, DAMAGED);
    }
    rmSync(note);
    refused(read, { name: 'TrustDirectoryError', code: 'unreadable' });
    refused(() => readCollection(directory, parseGun('example.com/none'), notaryV1), { code: 'unreadable' });
  });

  test('S12 never lies in the place of another', async () => {
    const { collection, directory } = await archived();
    for (const gun of ['a/_trust', '_trust/a', 'a/_trust.x/b', '_trust'])
      refused(() => writeCollection(directory, { ...collection, gun: parseGun(gun) }, ABOUT, notaryV1), {
        name: 'TrustDirectoryError',
        code: 'unwritable',
      });
  });

  test('lists the collections that are there, and no half-written one', async () => {
    const { collection, directory, place } = await archived();
    const other = parseGun('a.example.com/x');
    writeCollection(directory, { ...collection, gun: other }, ABOUT, notaryV1);
    mkdirSync(`${place}.0123.tmp/tuf`, { recursive: true });
    mkdirSync(join(directory, 'v2', '_trust'));
    writeFileSync(join(directory, 'v2', 'a.example.com', '_trust'), '');

    expect(archivedGuns(directory)).toEqual([other, GUN]);
    expect(archivedGuns(join(directory, 'nothing'))).toEqual([]);
    refused(() => archivedGuns(join(directory, 'v2', 'a.example.com', '_trust')), { code: 'unreadable' });
    mkdirSync(join(directory, 'v2', 'a*b', '_trust'), { recursive: true });
    refused(() => archivedGuns(directory), { name: 'MetadataError', code: 'malformed' });
  });
});
