// SPDX-License-Identifier: Apache-2.0
import { readSecretFile, SecretFileError } from '../../service/config/index.ts';

/** What a header may hold of ASCII; anything else would fail each time traces are sent. */
const VALUE = /^[\t\x20-\x7e]+$/;

/** The headers whose values lie in files, by name. @throws SecretFileError */
export async function readHeaders(files: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const read = Object.entries(files).map(async ([name, path]) => {
    const value = await readSecretFile(path);
    if (!VALUE.test(value)) throw new SecretFileError(path, 'no value of a header');
    return [name, value] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
