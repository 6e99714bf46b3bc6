// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import type * as promises from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeyStoreError, type KeyStoreErrorCode } from './errors.ts';

/** The calls on the file system that a key store makes: `node:fs/promises`, or a failing double of it in tests. */
export type FileSystem = Pick<typeof promises, 'open' | 'rename' | 'unlink' | 'mkdir' | 'readdir' | 'lstat' | 'stat'>;

const OTHERS_READ_OR_WRITE = 0o066;
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Reads a private file of at most `limit` bytes; `undefined` when there is no regular file of that name (symbolic links
 * count as none).
 * @throws KeyStoreError `insecure-permissions` when others may read or write it (S7), `unreadable`, `malformed`
 */
export async function readPrivateFile(fs: FileSystem, path: string, limit: number): Promise<Uint8Array | undefined> {
  return guarded('read', path, async () => {
    const entry = await presence(fs.lstat(path));
    if (entry === undefined || !entry.isFile()) return undefined;
    // the entry may have been exchanged since: neither follow a link nor wait for a pipe
    const handle = await fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = await handle.stat();
      checkPrivate(path, stats, '600');
      if (stats.size > limit) throw new KeyStoreError('malformed', `${path} is too long for a private key`, { path });
      return new Uint8Array(await handle.readFile());
    } finally {
      await handle.close();
    }
  });
}

/** Whether the directory is there. @throws KeyStoreError `insecure-permissions`, `unreadable` */
export async function checkPrivateDirectory(fs: FileSystem, path: string): Promise<boolean> {
  return guarded('read', path, async () => {
    const stats = await presence(fs.stat(path));
    if (stats !== undefined) checkPrivate(path, stats, '700');
    return stats !== undefined;
  });
}

function checkPrivate(path: string, stats: Stats, mode: string): void {
  // Windows has no such bits
  if (process.platform === 'win32' || (stats.mode & OTHERS_READ_OR_WRITE) === 0) return;
  const remedy = `chmod ${mode} '${path.replaceAll("'", "'\\''")}'`;
  const actual = (stats.mode & 0o777).toString(8);
  throw new KeyStoreError('insecure-permissions', `${path} is open to other users (mode ${actual}): run ${remedy}`, {
    path,
    remedy,
  });
}

/** Entries of a directory, none if it is missing. @throws KeyStoreError `unreadable` */
export async function readEntries(fs: FileSystem, path: string) {
  return guarded('read', path, async () => (await presence(fs.readdir(path, { withFileTypes: true }))) ?? []);
}

/**
 * Writes a file of mode 0600 whole or not at all, in the place of an older one, and on disk when it resolves. Missing
 * directories are made with mode 0700.
 * @throws KeyStoreError `disk-full`, `read-only`, `insecure-permissions`, `io`
 */
export async function replacePrivateFile(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${randomBytes(8).toString('hex')}.tmp`);
  await guarded('write', path, async () => {
    const made = await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(fs, dirname(made));
    await checkPrivateDirectory(fs, directory);
    try {
      await writeNew(fs, temporary, bytes);
      await fs.rename(temporary, path);
    } catch (error) {
      await fs.unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncDirectory(fs, directory);
  });
}

async function writeNew(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const handle = await fs.open(path, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file for good; a missing one is no error. @throws KeyStoreError `read-only`, `io` */
export async function removePrivateFile(fs: FileSystem, path: string): Promise<void> {
  await guarded('write', path, async () => {
    const gone = await presence(fs.unlink(path).then(() => true));
    if (gone !== undefined) await syncDirectory(fs, dirname(path));
  });
}

/** Without it a power cut can undo a rename. */
async function syncDirectory(fs: FileSystem, path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function presence<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function guarded<T>(act: 'read' | 'write', path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause;
    const code = codeOf(errnoOf(cause), act);
    throw new KeyStoreError(code, `cannot ${act} ${path}: ${REASONS[code] ?? errnoOf(cause) ?? 'unknown error'}`, {
      path,
      cause,
    });
  }
}

const REASONS: Partial<Record<KeyStoreErrorCode, string>> = {
  'disk-full': 'no space left on the disk',
  'read-only': 'writing is not permitted',
  unreadable: 'reading is not permitted',
};

function codeOf(errno: string | undefined, act: 'read' | 'write'): KeyStoreErrorCode {
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'disk-full';
    case 'EROFS':
      return 'read-only';
    case 'EACCES':
    case 'EPERM':
      return act === 'read' ? 'unreadable' : 'read-only';
  }
  return 'io';
}

function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
