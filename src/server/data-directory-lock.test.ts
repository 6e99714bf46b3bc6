// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { modeOf, scratchDirectories } from '../../test/support/scratch.ts';
import { DataDirectoryInUseError, lockDataDirectory } from './data-directory-lock.ts';

const scratch = scratchDirectories();

/** A process of its own that has the lock once this resolves. */
async function holderOf(directory: string) {
  const program = `
    import { lockDataDirectory } from '${join(import.meta.dir, 'data-directory-lock.ts')}';
    globalThis.held = lockDataDirectory(${JSON.stringify(directory)});
    console.log('held');
    setInterval(() => {}, 1e6);`;
  const child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe', stderr: 'inherit' });
  await child.stdout.getReader().read();
  return child;
}

describe('a data directory', () => {
  test('is served from by one process, and the next hears by which', async () => {
    const directory = scratch();
    const holder = await holderOf(directory);
    const second = () => lockDataDirectory(directory);

    expect(second).toThrow(DataDirectoryInUseError);
    expect(second).toThrow(`process ${holder.pid} serves from ${directory} already`);
    holder.kill('SIGKILL');
    await holder.exited;
  });

  test('is free once that process is gone, however it ended', async () => {
    const directory = scratch();
    const holder = await holderOf(directory);
    holder.kill('SIGKILL');
    await holder.exited;

    lockDataDirectory(directory)[Symbol.dispose]();
    lockDataDirectory(directory)[Symbol.dispose]();
    expect([modeOf(join(directory, 'up.lock')), modeOf(join(directory, 'up.pid'))]).toEqual(['0600', '0600']);
  });

  test('whose lock cannot be had is told with the reason, and is no internal error', () => {
    const directory = scratch();
    mkdirSync(join(directory, 'up.lock'));

    expect(() => lockDataDirectory(directory)).toThrow(
      expect.objectContaining({
        name: 'DatabaseOpenError',
        message: expect.stringContaining(join(directory, 'up.lock')),
      }),
    );
  });

  test('within one process is served from once too', () => {
    const directory = scratch();
    using _held = lockDataDirectory(directory);

    expect(() => lockDataDirectory(directory)).toThrow(`process ${process.pid}`);
  });
});
