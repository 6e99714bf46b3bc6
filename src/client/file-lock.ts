// SPDX-License-Identifier: Apache-2.0
import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { TrustDirectoryError } from './errors.ts';

/** A holder needs milliseconds; one that is older has died. */
const STALE_MILLISECONDS = 10_000;
const PATIENCE_MILLISECONDS = 15_000;
const PAUSE_MILLISECONDS = 5;

/**
 * Runs `work` while no other process runs its own on the same file: reading, deciding and writing are one step then. The
 * lock is a file beside it, made exclusively.
 * @throws TrustDirectoryError `unwritable`, and what `work` throws
 */
export function withFileLock<T>(path: string, work: () => T): T {
  const lock = `${path}.lock`;
  take(lock);
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  onDisk(lock, () => mkdirSync(dirname(lock), { recursive: true, mode: 0o700 }));
  for (let waited = 0; waited < PATIENCE_MILLISECONDS; waited += PAUSE_MILLISECONDS) {
    if (onDisk(lock, () => isMade(lock))) return;
    if (isStale(lock)) rmSync(lock, { force: true });
    else Atomics.wait(pause, 0, 0, PAUSE_MILLISECONDS);
  }
  throw new TrustDirectoryError('unwritable', lock, `another process holds ${lock}: remove it if there is none`);
}

function isMade(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function onDisk<T>(lock: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new TrustDirectoryError('unwritable', lock, `cannot write ${lock}: ${code}`, { cause });
  }
}

function isStale(lock: string): boolean {
  const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made > STALE_MILLISECONDS;
}
