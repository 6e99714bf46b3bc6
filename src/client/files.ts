// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { TrustDirectoryError } from './errors.ts';

/**
 * The file's bytes, or undefined where nothing has the name. A link to what is not there is an error: pins and marks that
 * cannot be read must not be passed over (S28). @throws TrustDirectoryError `unreadable`
 */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (codeOf(cause) === 'ENOTDIR' || (codeOf(cause) === 'ENOENT' && !isLink(path))) return undefined;
    throw new TrustDirectoryError('unreadable', path, `cannot read ${path}: ${codeOf(cause)}`, { cause });
  }
}

/** Another process may have made the very file meanwhile: that is no link. */
function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/**
 * Replaces a file as a whole: written beside it, synced, renamed, and the directory synced, so that a crash leaves the old
 * content or the new. Directories are made with mode 0700, the file with 0600 (reference 9.1).
 * @throws TrustDirectoryError `unwritable`, and the file is as it was
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const replacement = new Replacement(path);
  try {
    replacement.write(bytes);
    replacement.finish();
  } catch (cause) {
    replacement.abandon();
    throw cause;
  }
}

/**
 * As {@link replaceFile}, with bytes that come bit by bit: `content` hands them to `write`. Where it throws, the file is as
 * it was. @throws TrustDirectoryError `unwritable`, and what `content` throws
 */
export async function replaceFileBy(
  path: string,
  content: (write: (bytes: Uint8Array) => void) => Promise<void>,
): Promise<void> {
  const replacement = new Replacement(path);
  try {
    await content((bytes) => replacement.write(bytes));
    replacement.finish();
  } catch (cause) {
    replacement.abandon();
    throw cause;
  }
}

/** A file that is being written beside the one that it will replace. */
class Replacement {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: number;
  #isOpen = true;

  constructor(path: string) {
    this.#path = path;
    // not by process number: in a container the next process has the same one, and would find what a killed one left
    this.#temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    this.#file = this.#onDisk(() => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return openSync(this.#temporary, 'wx', 0o600);
    });
  }

  write(bytes: Uint8Array): void {
    this.#onDisk(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    });
  }

  finish(): void {
    this.#onDisk(() => {
      fsyncSync(this.#file);
      this.#close();
      renameSync(this.#temporary, this.#path);
      syncDirectory(dirname(this.#path));
    });
  }

  /** Clears away what a failed write left; whatever stands in its way, the failed write is what there is to report. */
  abandon(): void {
    try {
      this.#close();
      unlinkSync(this.#temporary);
    } catch {
      // it may be renamed already
    }
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }

  #onDisk<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new TrustDirectoryError('unwritable', this.#path, `cannot write ${this.#path}: ${codeOf(cause)}`, {
        cause,
      });
    }
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
