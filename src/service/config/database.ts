// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { DatabaseAddress } from '../database/index.ts';
import { readSecretFile, SecretFileError } from './secret-file.ts';
import type { StorageSettings } from './sections.ts';

/**
 * The address of the database that settings name, with the files that they name read.
 * @returns undefined for memory
 * @throws SecretFileError
 */
export async function databaseAddress(settings: StorageSettings): Promise<DatabaseAddress | undefined> {
  switch (settings.engine) {
    case 'memory':
      return undefined;
    case 'sqlite':
      return { engine: 'sqlite', url: settings.file };
    case 'postgres':
    case 'mysql': {
      const { engine, passwordFile, tls, poolSize } = settings;
      const url = passwordFile === undefined ? settings.url : await withPassword(settings.url, passwordFile);
      const pem = tls === undefined ? undefined : await pemOf(tls);
      return { engine, url, ...(pem && { tls: pem }), ...(poolSize === undefined ? {} : { poolSize }) };
    }
    default:
      return settings satisfies never;
  }
}

const USER_OF_URL = /^([a-z]+:\/\/[^:@/?#]+)(?::[^@/?#]*)?@/;

/** Only a URL has a place for a password of any characters. */
async function withPassword(url: string, passwordFile: string): Promise<string> {
  const password = encodeURIComponent(await readSecretFile(passwordFile));
  if (!USER_OF_URL.test(url)) {
    throw new SecretFileError(passwordFile, 'a password file needs a database url of the form engine://user@host/name');
  }
  return url.replace(USER_OF_URL, (_, before: string) => `${before}:${password}@`);
}

async function pemOf(
  files: Readonly<Record<string, string | undefined>>,
): Promise<NonNullable<DatabaseAddress['tls']>> {
  const read = async ([name, path = '']: readonly [string, string | undefined]) => [name, await readPem(path)] as const;
  const given = Object.entries(files).filter(([, path]) => path !== undefined);
  return Object.fromEntries(await Promise.all(given.map(read)));
}

/** PEM text of a file. @throws SecretFileError */
export async function readPem(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new SecretFileError(path, `cannot read PEM file (${code})`, { cause });
  }
  if (!text.includes('-----BEGIN ')) throw new SecretFileError(path, 'no PEM file');
  return text;
}
