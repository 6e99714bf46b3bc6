// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rejected } from '../../../../test/support/refusals.ts';
import { scratchDirectories } from '../../../../test/support/scratch.ts';
import { readStagedFile } from './staged-file.ts';

const scratch = scratchDirectories();

/** Stages an update in a process of its own, on a disk that has no links, and maybe no room for a name. */
async function stageWithoutLinks(path: string, isFull = false): Promise<string> {
  const script = `
    import { mock } from 'bun:test';
    import * as real from 'node:fs/promises';
    const link = async () => { throw Object.assign(new Error('no links'), { code: 'EPERM' }); };
    const full = async () => { throw Object.assign(new Error('full'), { code: 'ENOSPC' }); };
    const rename = ${isFull} ? full : real.rename;
    mock.module('node:fs/promises', () => ({ ...real, link, rename, default: { ...real, link, rename } }));
    const { createStagedFile } = await import('${join(import.meta.dir, 'staged-file.ts')}');
    await createStagedFile(process.argv[1], { gun: 'example.com/app', files: [] }).then(
      () => console.log('staged'),
      (error) => console.log(error.message),
    );`;
  const child = Bun.spawn([process.execPath, '-e', script, path], { stdout: 'pipe', stderr: 'inherit' });
  return (await new Response(child.stdout).text()).trim();
}

test('an update is staged on a memory stick too, and never over another', async () => {
  const directory = scratch();
  const [fresh, taken] = [join(directory, 'fresh'), join(directory, 'taken')];
  writeFileSync(taken, 'of another');

  expect(await stageWithoutLinks(fresh)).toBe('staged');
  expect(existsSync(fresh)).toBe(true);
  expect(await stageWithoutLinks(taken)).toStartWith(`${taken} exists`);
  expect(readFileSync(taken, 'utf8')).toBe('of another');
  expect(readdirSync(directory).sort()).toEqual(['fresh', 'taken']);
});

test('an update that cannot take its name leaves nothing under it', async () => {
  const directory = scratch();

  expect(await stageWithoutLinks(join(directory, 'fresh'), true)).toContain('ENOSPC');
  expect(readdirSync(directory)).toEqual([]);
});

test('S23 a file that is larger than any update is refused before it is read', async () => {
  const path = join(scratch(), 'huge');
  writeFileSync(path, '{');
  truncateSync(path, 8 * 1024 ** 3);

  await rejected(readStagedFile(path), { name: 'MetadataError', code: 'malformed' });
});
