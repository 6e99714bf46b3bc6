// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Gun } from '../tuf/index.ts';
import { type Change, ChangelistError, decodeChange, encodeChange } from './changelist.ts';

/** A change with the file that holds it. */
export interface StagedChange extends Change {
  /** Name of the file; the order of the names is the order of the changes. */
  readonly file: string;
}

/** The changes of one repository that wait for the next publish. */
export interface Changelist {
  /** In the order of their staging. @throws ChangelistError `malformed`, `io` */
  list(): readonly StagedChange[];
  /** Names of the files, even of such that hold no change. @throws ChangelistError `io` */
  files(): readonly string[];
  /** Stages after all others. @throws ChangelistError `io` */
  add(change: Change, now: Date): void;
  /** Drops these files; one that is gone is no error. @throws ChangelistError `io` */
  remove(files: readonly string[]): void;
}

const NAME = /^(\d{20})_[0-9a-f-]{36}\.change$/;
const NANOSECONDS = 1_000_000n;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Notary's own directory, `<trust dir>/tuf/<GUN>/changelist`: either program publishes what the other staged. */
export class DirectoryChangelist implements Changelist {
  readonly #repository: string;
  readonly #path: string;

  constructor(trustDirectory: string, gun: Gun) {
    this.#repository = join(trustDirectory, 'tuf', ...gun.split('/'));
    this.#path = join(this.#repository, 'changelist');
  }

  list(): readonly StagedChange[] {
    return this.files().map((file) => ({ ...this.#read(file), file }));
  }

  files(): readonly string[] {
    return this.#io('cannot list staged changes', this.#path, () => {
      try {
        return readdirSync(this.#path)
          .filter((name) => name.endsWith('.change'))
          .sort();
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    });
  }

  add(change: Change, now: Date): void {
    // made beside the directory, whose every file the original takes for a change
    const temporary = join(this.#repository, `.${randomUUID()}.tmp`);
    this.#io('cannot stage a change', this.#path, () => {
      mkdirSync(this.#path, { recursive: true, mode: 0o700 });
      try {
        writeFileSync(temporary, encodeChange(change), { mode: 0o600, flag: 'wx', flush: true });
        renameSync(temporary, join(this.#path, this.#nextName(now)));
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    });
  }

  remove(files: readonly string[]): void {
    for (const file of files)
      this.#io('cannot drop a staged change', join(this.#path, file), () =>
        rmSync(join(this.#path, file), { force: true }),
      );
  }

  /** Later than every other name, whatever the clock says: a change may undo the one before it. */
  #nextName(now: Date): string {
    const last = this.files().findLast((name) => NAME.test(name));
    const after = last === undefined ? 0n : BigInt(last.slice(0, 20)) + 1n;
    const wanted = BigInt(now.getTime()) * NANOSECONDS;
    return `${String(wanted > after ? wanted : after).padStart(20, '0')}_${randomUUID()}.change`;
  }

  #read(file: string): Change {
    const path = join(this.#path, file);
    const bytes = this.#io('cannot read a staged change', path, () => {
      const { size, ...stat } = lstatOf(path);
      // a link would let another user's file decide what is signed
      if (!stat.isFile || size > MAX_FILE_BYTES)
        throw new ChangelistError('malformed', `no staged change: ${path}`, { path });
      return new Uint8Array(readFileSync(path));
    });
    try {
      return decodeChange(bytes);
    } catch (cause) {
      if (!(cause instanceof ChangelistError)) throw cause;
      throw new ChangelistError('malformed', `${cause.message}: ${path}`, { path, cause });
    }
  }

  #io<T>(what: string, path: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof ChangelistError) throw cause;
      throw new ChangelistError('io', `${what}: ${path}: ${codeOf(cause)}`, { path, cause });
    }
  }
}

function lstatOf(path: string): { isFile: boolean; size: number } {
  const stat = lstatSync(path);
  return { isFile: stat.isFile(), size: stat.size };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
