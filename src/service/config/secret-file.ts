// SPDX-License-Identifier: Apache-2.0
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that a configuration names and that cannot be used. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${message}: ${path}`, options);
    this.path = path;
  }
}

/** More is no password: the wrong file was named. */
const MAX_BYTES = 64 * 1024;

/**
 * A secret that is kept in a file of its own, without the newline that editors put at its end.
 * @throws SecretFileError unreadable, empty or too large; the content is never in it
 */
export async function readSecretFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new SecretFileError(path, `cannot read secret file (${code})`, { cause });
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new SecretFileError(path, 'empty secret file');
  if (secret.length > MAX_BYTES) throw new SecretFileError(path, 'no secret file: too large');
  return secret;
}

/** Whether everybody on the machine may read the file, by its mode and its directories' (S7). One that is not there is not open. */
export async function isReadableByAll(path: string): Promise<boolean> {
  try {
    const file = await realpath(path);
    if (((await stat(file)).mode & 0o004) === 0) return false;
    for (let directory = dirname(file); ; directory = dirname(directory)) {
      if (((await stat(directory)).mode & 0o001) === 0) return false;
      if (directory === dirname(directory)) return true;
    }
  } catch {
    return false;
  }
}
