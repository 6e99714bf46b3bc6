// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o177;

/**
 * A socket of this machine, which nobody but its owner may connect to before its permissions are what they should be. A
 * socket that was left at the path is replaced, anything else stays.
 * @param mode permission bits: who may connect
 * @param bind makes the socket before its first pause
 * @throws whatever `bind` and the file system throw; an Error where something else lies at the path
 */
export async function placeSocket<T>(path: string, mode: number, bind: () => T | Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const there = await lstat(path).catch(() => undefined);
  if (there !== undefined && !there.isSocket()) throw new Error(`${path} is no socket`);
  await rm(path, { force: true });
  const bound = await withMask(OWNER_ONLY, bind);
  await chmod(path, mode);
  return bound;
}

function withMask<T>(mask: number, run: () => T): T {
  const before = process.umask(mask);
  try {
    return run();
  } finally {
    process.umask(before);
  }
}
