// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFaults } from '../../test/faults/start.ts';
import { refused } from '../../test/support/refusals.ts';
import { scratchDirectories } from '../../test/support/scratch.ts';
import { readIfThere, replaceFile } from './files.ts';

const scratch = scratchDirectories();

test('a file is synced before it takes its name, and the directory after it', async () => {
  const { struck } = await runFaults('pins are replaced');

  expect(struck).toEqual(['mkdirSync', 'openSync', 'writeSync', 'fsyncSync', 'renameSync', 'openSync', 'fsyncSync']);
}, 60_000);

test('what a killed process left is in nobody’s way, though the next has the same number, as in a container', async () => {
  const path = join(scratch(), 'file');
  const script = `
    import { writeFileSync } from 'node:fs';
    import { replaceFile } from '${join(import.meta.dir, 'files.ts')}';
    for (let count = 0; count < 10; count++) writeFileSync(\`\${process.argv[1]}.\${process.pid}.\${count}.tmp\`, 'half');
    replaceFile(process.argv[1], new Uint8Array([1]));`;
  const child = Bun.spawn([process.execPath, '-e', script, path], { stderr: 'pipe' });

  expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, '']);
  expect(readIfThere(path)).toEqual(new Uint8Array([1]));
});

test('no file stays open', () => {
  const path = join(scratch(), 'file');
  const open = () => readdirSync('/proc/self/fd').length;
  replaceFile(path, new Uint8Array([1]));
  const before = open();

  for (let times = 0; times < 50; times++) replaceFile(path, new Uint8Array([times]));

  expect(open()).toBeLessThan(before + 25);
});

test('S28 a link that leads nowhere is no file that is absent: pins and marks behind it would be passed over', () => {
  const [directory, nowhere] = [scratch(), join(scratch(), 'gone')];
  const path = join(directory, 'pins.json');
  expect(readIfThere(path)).toBeUndefined();
  expect(readIfThere(join(path, 'below'))).toBeUndefined();

  symlinkSync(nowhere, path);
  refused(() => readIfThere(path), { name: 'TrustDirectoryError', code: 'unreadable' });

  writeFileSync(nowhere, 'x');
  expect(readIfThere(path)).toEqual(new Uint8Array([0x78]));
  expect(readIfThere(join(path, 'below'))).toBeUndefined();
});

test('a file that cannot take its name leaves nothing behind', () => {
  const directory = scratch();
  const path = join(directory, 'taken');
  mkdirSync(join(path, 'inside'), { recursive: true });

  refused(() => replaceFile(path, new Uint8Array([1])), { name: 'TrustDirectoryError', code: 'unwritable' });
  expect(readdirSync(directory)).toEqual(['taken']);
});
