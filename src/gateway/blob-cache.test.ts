// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectories } from '../../test/support/scratch.ts';

const scratch = scratchDirectories();

test('a blob that has to go while somebody looks for it does not count as there, nor takes another’s room with it', async () => {
  const directory = scratch();
  const script = `
    import { mock } from 'bun:test';
    import * as real from 'node:fs/promises';
    const original = real.stat;
    let held;
    const stat = async (path) => {
      const found = await original(path).catch((error) => error);
      await held?.promise;
      if (found instanceof Error) throw found;
      return found;
    };
    mock.module('node:fs/promises', () => ({ ...real, stat, default: { ...real, stat } }));
    const { BlobCache } = await import('${join(import.meta.dir, 'blob-cache.ts')}');
    const cache = await BlobCache.open(process.argv[1], 10);
    const blob = (letter) => ({ digest: 'sha256:' + letter.repeat(64), size: 10 });
    const keep = async (letter) => {
      const writer = cache.writer(blob(letter));
      await writer.write(new Uint8Array(10));
      await writer.finish();
    };
    await keep('a');
    held = Promise.withResolvers();
    const looking = cache.find(blob('a'));
    await keep('b');
    held.resolve();
    console.log(await looking, await cache.find(blob('a')));
    await keep('c');`;
  const child = Bun.spawn([process.execPath, '-e', script, directory], { stdout: 'pipe', stderr: 'inherit' });

  expect(await new Response(child.stdout).text()).toBe('undefined undefined\n');
  expect(await child.exited).toBe(0);
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 64);
  expect(files.map((name) => name.slice(-64))).toEqual(['c'.repeat(64)]);
});
