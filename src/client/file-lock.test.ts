// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gun, KeyId, RoleName, Version } from '../tuf/index.ts';
import { withFileLock } from './file-lock.ts';
import { DirectoryHighWaterMarks } from './high-water-marks.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hallmark-lock-'));
  path = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a file lock', () => {
  test('is there while the work runs, and gone after it, whether it succeeds or throws', () => {
    expect(withFileLock(path, () => existsSync(`${path}.lock`))).toBe(true);
    expect(() =>
      withFileLock(path, () => {
        throw new Error('in the middle');
      }),
    ).toThrow('in the middle');
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test('of a process that died is taken over', () => {
    writeFileSync(`${path}.lock`, '');
    utimesSync(`${path}.lock`, new Date(0), new Date(0));
    expect(withFileLock(path, () => 'done')).toBe('done');
  });

  test('is not left behind by who could not write it whole', async () => {
    // a file may be made, and nothing be written to it, as on a full disk
    const limited = `trap '' XFSZ; ulimit -f 0; exec "$0" -e "$1" "$2"`;
    const script = `
      import { withFileLock } from '${join(import.meta.dir, 'file-lock.ts')}';
      try { withFileLock(process.argv[1], () => process.stdout.write('held')); }
      catch (error) { process.stdout.write(error.message); }`;
    const child = Bun.spawn(['sh', '-c', limited, process.execPath, script, path], {
      stdout: 'pipe',
      stderr: 'inherit',
    });

    expect(await new Response(child.stdout).text()).toBe(`cannot write ${path}.lock: EFBIG`);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('holds no file open once it is given back', () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let round = 0; round < 50; round++) withFileLock(path, () => undefined);
    expect(open()).toBeLessThan(before + 50);
  });

  test('that another took over meanwhile is not removed by who was too slow', () => {
    const lock = `${path}.lock`;
    withFileLock(path, () => {
      rmSync(lock);
      writeFileSync(lock, 'of another');
    });
    expect(readFileSync(lock, 'utf8')).toBe('of another');
  });

  test('of a process that died, and of one that died while it cleared that away, is taken over', () => {
    for (const left of [`${path}.lock`, `${path}.lock.clearing`]) {
      writeFileSync(left, '');
      utimesSync(left, new Date(0), new Date(0));
    }
    expect(withFileLock(path, () => 'done')).toBe('done');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('that cannot be made is a typed error', () => {
    writeFileSync(path, '');
    expect(() => withFileLock(join(path, 'inside'), () => undefined)).toThrow(
      expect.objectContaining({ name: 'TrustDirectoryError', code: 'unwritable' }),
    );
  });
});

describe('two processes on one trust directory', () => {
  const gun = 'registry.example.com/app' as Gun;
  const script = (versions: readonly number[]) => `
    import { DirectoryHighWaterMarks } from '${join(import.meta.dir, 'high-water-marks.ts')}';
    const marks = new DirectoryHighWaterMarks(${JSON.stringify('DIR')}.replace('DIR', process.argv[1]));
    for (const version of ${JSON.stringify(versions)}) {
      const mark = { version, keyIds: ['${'a'.repeat(64)}'], sha256: String(version).padStart(64, '0') };
      marks.raise('${gun}', new Map([['root', { ...mark, version: 1 }], ['timestamp', mark]]));
    }`;

  test('S17 raising marks at once never lower one another', async () => {
    const odd = Array.from({ length: 40 }, (_, index) => 2 * index + 1);
    const even = odd.map((version) => version + 1);
    const run = (versions: readonly number[]) =>
      Bun.spawn([process.execPath, '-e', script(versions), directory], { stderr: 'pipe' });
    const children = [run(odd), run(even)];

    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0]);
    const mark = new DirectoryHighWaterMarks(directory).load(gun).get('timestamp' as RoleName);
    expect(mark).toEqual({ version: 80 as Version, keyIds: ['a'.repeat(64) as KeyId], sha256: '80'.padStart(64, '0') });
  });
});
