// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
  const holder = randomUUID();
  take(lock, holder);
  try {
    return work();
  } finally {
    release(lock, holder);
  }
}

/** Who was so slow that another took the lock over leaves it to that one. */
function release(lock: string, holder: string): void {
  if (holderOf(lock) === holder) rmSync(lock, { force: true });
}

function holderOf(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
}

function take(lock: string, holder: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  onDisk(lock, () => mkdirSync(dirname(lock), { recursive: true, mode: 0o700 }));
  for (let waited = 0; waited < PATIENCE_MILLISECONDS; waited += PAUSE_MILLISECONDS) {
    if (onDisk(lock, () => isMade(lock, holder))) return;
    if (!isStale(lock) || !onDisk(lock, () => isCleared(lock))) Atomics.wait(pause, 0, 0, PAUSE_MILLISECONDS);
  }
  throw new TrustDirectoryError('unwritable', lock, `another process holds ${lock}: remove it if there is none`);
}

/**
 * Removes the lock of a process that died. One at a time does so, and looks once more: else whoever looked a moment earlier would
 * remove the lock that the next one has made.
 */
function isCleared(lock: string): boolean {
  const clearing = `${lock}.clearing`;
  if (!isMade(clearing, '')) {
    if (isStale(clearing)) rmSync(clearing, { force: true });
    return false;
  }
  try {
    if (isStale(lock)) rmSync(lock, { force: true });
    return true;
  } finally {
    rmSync(clearing, { force: true });
  }
}

function isMade(lock: string, holder: string): boolean {
  const file = exclusively(lock);
  if (file === undefined) return false;
  try {
    writeFileSync(file, holder);
    return true;
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function exclusively(path: string): number | undefined {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
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
