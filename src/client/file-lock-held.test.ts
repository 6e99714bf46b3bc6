// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';

const scratch = scratchDirectories();

test('a lock that another process holds is waited for, and not taken from it', async () => {
  const path = join(scratch(), 'file');
  const lock = `${path}.lock`;
  writeFileSync(lock, 'held');
  const held = statSync(lock).ino;
  // the other says when it begins to wait, and what it finds once it has the lock
  const script = `
    import { existsSync } from 'node:fs';
    import { withFileLock } from '${join(import.meta.dir, 'file-lock.ts')}';
    process.stdout.write('waits ');
    withFileLock(process.argv[1], () => process.stdout.write(existsSync(process.argv[1]) ? 'after' : 'too early'));`;
  const child = Bun.spawn([process.execPath, '-e', script, path], { stdout: 'pipe', stderr: 'inherit' });
  const reader = child.stdout.getReader();
  let said = new TextDecoder().decode((await reader.read()).value);

  // long enough for a dozen attempts; a lock that was taken away would be another file, or none
  await Bun.sleep(100);
  expect([existsSync(lock), statSync(lock, { throwIfNoEntry: false })?.ino]).toEqual([true, held]);
  writeFileSync(path, 'done');
  rmSync(lock);
  for (let part = await reader.read(); !part.done; part = await reader.read())
    said += new TextDecoder().decode(part.value);

  expect(said).toBe('waits after');
  expect(await child.exited).toBe(0);
});
