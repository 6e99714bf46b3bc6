// SPDX-License-Identifier: Apache-2.0

/** What ends a command: printed after `* fatal: `. */
export class NotaryError extends Error {
  override readonly name: string = 'NotaryError';
}

/** A command line that lacks something: the command's usage is printed before the message. */
export class NotaryUsageError extends NotaryError {
  override readonly name = 'NotaryUsageError';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'file exists',
  ENOSPC: 'no space left on device',
};

/** A file's failure as Go words it: `open FILE: no such file or directory`. */
export function fileProblem(error: unknown, path: string): NotaryError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
  return new NotaryError(`open ${path}: ${REASONS[code] ?? code}`, { cause: error });
}
