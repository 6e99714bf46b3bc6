// SPDX-License-Identifier: Apache-2.0
import { Database, SQLiteError } from 'bun:sqlite';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseOpenError } from '../service/database/index.ts';

/** Another process serves from the data directory. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';
  readonly directory: string;

  /** @param holder the other's process ID, where it can be told */
  constructor(directory: string, holder: string | undefined, cause: unknown) {
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    super(`${who} serves from ${directory} already`, { cause });
    this.directory = directory;
  }
}

/**
 * Makes this process the only one that serves from a data directory, until it gives it back or ends, however it ends: the
 * lock is the system's, on a file that SQLite holds, and no file that lies there afterwards means anything.
 * @throws DataDirectoryInUseError, DatabaseOpenError
 */
export function lockDataDirectory(directory: string): Disposable {
  const [path, holder] = [join(directory, 'up.lock'), join(directory, 'up.pid')];
  let lock: Database | undefined;
  try {
    lock = new Database(path, { create: true, readwrite: true });
    // nothing is ever written to it, so it needs no journal beside it
    lock.run('pragma journal_mode = memory');
    lock.run('begin exclusive');
    chmodSync(path, 0o600);
    writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  } catch (cause) {
    lock?.close();
    if (!(cause instanceof SQLiteError)) throw cause;
    if (cause.code === 'SQLITE_BUSY') throw new DataDirectoryInUseError(directory, readHolder(holder), cause);
    throw new DatabaseOpenError(path, cause);
  }
  return { [Symbol.dispose]: () => lock?.close() };
}

/** Whoever has just taken the lock may not have said yet who it is. */
function readHolder(path: string): string | undefined {
  try {
    return /^\d+$/m.exec(readFileSync(path, 'utf8'))?.[0];
  } catch {
    return undefined;
  }
}
