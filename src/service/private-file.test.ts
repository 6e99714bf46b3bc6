// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hallmark-private-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('private files', () => {
  test('are written with mode 0600, also over a file that had another (S7)', async () => {
    const path = join(directory, 'key');
    writeFileSync(path, 'old');
    chmodSync(path, 0o644);

    await writePrivateFile(path, 'new');

    expect(await readPrivateFile(path)).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['key']);
  });

  test('a file that is not there is undefined; one that cannot be read is an error', async () => {
    expect(await readPrivateFile(join(directory, 'none'))).toBeUndefined();
    await expect(readPrivateFile(directory)).rejects.toThrow();
  });

  test('a failed write leaves everything as it was', async () => {
    const place = join(directory, 'place');
    mkdirSync(join(place, 'taken'), { recursive: true });

    await expect(writePrivateFile(join(place, 'taken'), 'x')).rejects.toThrow();
    await expect(writePrivateFile(join(directory, 'no', 'where'), 'x')).rejects.toThrow();

    expect(readdirSync(place)).toEqual(['taken']);
  });
});
