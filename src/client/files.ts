// SPDX-License-Identifier: Apache-2.0
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { TrustDirectoryError } from './errors.ts';

let written = 0;

/** The file's bytes, or undefined where there is none. @throws TrustDirectoryError `unreadable` */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
    throw new TrustDirectoryError('unreadable', path, `cannot read ${path}: ${codeOf(cause)}`, { cause });
  }
}

/**
 * Replaces a file as a whole: written beside it, synced, renamed, and the directory synced, so that a crash leaves the old
 * content or the new. Directories are made with mode 0700, the file with 0600 (reference 9.1).
 * @throws TrustDirectoryError `unwritable`, and the file is as it was
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.${++written}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(temporary, 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    removeIfThere(temporary);
    throw new TrustDirectoryError('unwritable', path, `cannot write ${path}: ${codeOf(cause)}`, { cause });
  }
}

/** Clears away what a failed write left; whatever stands in its way, the failed write is what there is to report. */
function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // most often it was never made
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
