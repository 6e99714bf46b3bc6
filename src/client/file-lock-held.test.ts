// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { existsSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';

const scratch = scratchDirectories();

/** Another process that takes the lock of a file: it says when it begins to wait, and what it finds once it has the lock. */
function waiting(path: string) {
  const script = `
    import { existsSync } from 'node:fs';
    import { withFileLock } from '${join(import.meta.dir, 'file-lock.ts')}';
    process.stdout.write('waits ');
    withFileLock(process.argv[1], () => process.stdout.write(existsSync(process.argv[1]) ? 'after' : 'too early'));`;
  const child = Bun.spawn([process.execPath, '-e', script, path], { stdout: 'pipe', stderr: 'inherit' });
  const reader = child.stdout.getReader();
  let said = '';
  const listen = async () => {
    const part = await reader.read();
    said += new TextDecoder().decode(part.value);
    return !part.done;
  };
  const end = async () => {
    while (await listen());
    return [said, await child.exited];
  };
  return { begun: listen(), end };
}

test('a lock that another process holds is waited for, and not taken from it', async () => {
  const path = join(scratch(), 'file');
  const lock = `${path}.lock`;
  writeFileSync(lock, 'held');
  const held = statSync(lock).ino;
  const { begun, end } = waiting(path);
  await begun;

  // long enough for a dozen attempts; a lock that was taken away would be another file, or none
  await Bun.sleep(100);
  expect([existsSync(lock), statSync(lock, { throwIfNoEntry: false })?.ino]).toEqual([true, held]);
  writeFileSync(path, 'done');
  rmSync(lock);

  expect(await end()).toEqual(['waits after', 0]);
});

test('of all who wait for the lock of a process that died one clears it away: others would remove the next one’s', async () => {
  const path = join(scratch(), 'file');
  const lock = `${path}.lock`;
  writeFileSync(lock, 'dead');
  utimesSync(lock, new Date(0), new Date(0));
  writeFileSync(`${lock}.clearing`, '');
  const dead = statSync(lock).ino;
  const { begun, end } = waiting(path);
  await begun;

  await Bun.sleep(100);
  expect(statSync(lock, { throwIfNoEntry: false })?.ino).toBe(dead);
  writeFileSync(path, 'done');
  rmSync(`${lock}.clearing`);

  expect(await end()).toEqual(['waits after', 0]);
});
