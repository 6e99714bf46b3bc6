// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refused } from '../../test/support/refusals.ts';
import { GUN, NOW } from '../../test/support/repository-simulator.ts';
import { modeOf, scratchDirectories } from '../../test/support/scratch.ts';
import { encodeChange } from './changelist.ts';
import { targetRemoval, witnessing } from './changelist-content.ts';
import { DirectoryChangelist } from './changelist-directory.ts';

const scratch = scratchDirectories();
const placeOf = (directory: string) => join(directory, 'tuf', ...GUN.split('/'), 'changelist');
const NAME = '01795394986592776360_5e206a6f-7a23-4fdc-a157-124aacc187ed.change';

/** A changelist with one change, written by hand as the original would. */
function withFile(content: Uint8Array | string, name = NAME) {
  const directory = scratch();
  mkdirSync(placeOf(directory), { recursive: true });
  writeFileSync(join(placeOf(directory), name), content);
  return { changelist: new DirectoryChangelist(directory, GUN), path: join(placeOf(directory), name), directory };
}

describe('the directory of staged changes', () => {
  test('is empty where nothing was ever staged, and reading makes nothing', () => {
    const directory = scratch();
    expect(new DirectoryChangelist(directory, GUN).list()).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is Notary's: place, names and modes", () => {
    const directory = scratch();
    new DirectoryChangelist(directory, GUN).add(witnessing('targets'), NOW);
    const [file = '', ...others] = readdirSync(placeOf(directory));

    expect(others).toEqual([]);
    expect(file).toMatch(/^\d{20}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.change$/);
    expect(file.slice(0, 20)).toBe(`0${NOW.getTime()}000000`);
    expect(modeOf(join(placeOf(directory), file))).toBe('0600');
    expect(modeOf(placeOf(directory))).toBe('0700');
    expect(readdirSync(join(placeOf(directory), '..'))).toEqual(['changelist']);
  });

  test('keeps the order of staging, within one moment and when the clock goes back', () => {
    const changelist = new DirectoryChangelist(scratch(), GUN);
    const times = [NOW, NOW, NOW, new Date(NOW.getTime() - 60_000), new Date(NOW.getTime() + 60_000)];
    for (const [index, time] of times.entries()) changelist.add(targetRemoval('targets', `t${index}`), time);
    expect(changelist.list().map(({ path }) => path)).toEqual(['t0', 't1', 't2', 't3', 't4']);
  });

  test('drops what is named and nothing else, and what is gone is no error', () => {
    const changelist = new DirectoryChangelist(scratch(), GUN);
    for (const name of ['a', 'b', 'c']) changelist.add(targetRemoval('targets', name), NOW);
    const [, second = ''] = changelist.files();
    changelist.remove([second]);
    changelist.remove([second]);
    expect(changelist.list().map(({ path }) => path)).toEqual(['a', 'c']);
  });

  test('reads what the original staged, and passes over what is no change by its name', () => {
    const { changelist, directory } = withFile(encodeChange(targetRemoval('targets', 'a')));
    writeFileSync(join(placeOf(directory), '.hidden.tmp'), 'x');
    mkdirSync(join(placeOf(directory), 'directory'));
    expect(changelist.list()).toEqual([{ ...targetRemoval('targets', 'a'), file: NAME }]);
  });
});

describe('a file that is no change', () => {
  test('is refused by name, and can be dropped all the same', () => {
    const { changelist, path } = withFile('{"action":"create"}');
    expect(refused(() => changelist.list(), { name: 'ChangelistError', code: 'malformed' })).toMatchObject({ path });
    changelist.remove(changelist.files());
    expect(changelist.list()).toEqual([]);
  });

  test('S23 is not read when it is too long', () => {
    const { changelist, path } = withFile('');
    truncateSync(path, 5 * 1024 * 1024);
    refused(() => changelist.list(), { code: 'malformed' });
  });

  test('is not read through a link, which could lead anywhere', () => {
    const { changelist, directory, path } = withFile(encodeChange(targetRemoval('targets', 'a')));
    symlinkSync(path, join(placeOf(directory), NAME.replace('01795', '01796')));
    refused(() => changelist.list(), { code: 'malformed' });
  });

  test('is no directory either, whatever its name', () => {
    const { changelist, directory } = withFile(encodeChange(targetRemoval('targets', 'a')));
    mkdirSync(join(placeOf(directory), NAME.replace('01795', '01796')));
    refused(() => changelist.list(), { code: 'malformed' });
  });

  test('a place that cannot be written is a typed error', () => {
    const directory = scratch();
    writeFileSync(join(directory, 'tuf'), 'in the way');
    chmodSync(join(directory, 'tuf'), 0o600);
    const changelist = new DirectoryChangelist(directory, GUN);
    refused(() => changelist.add(witnessing('targets'), NOW), { name: 'ChangelistError', code: 'io' });
    refused(() => changelist.files(), { code: 'io' });
  });
});
