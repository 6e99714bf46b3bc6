// SPDX-License-Identifier: Apache-2.0
import { readSecretFile } from './secret-file.ts';

/**
 * The passphrases of keys by their alias: those of the files, read now, else whatever `otherwise` knows.
 * @throws SecretFileError
 */
export async function aliasPassphrases(
  files: Readonly<Record<string, string>>,
  otherwise: (alias: string) => string | undefined,
): Promise<(alias: string) => string | undefined> {
  const read = Object.entries(files).map(async ([alias, path]) => [alias, await readSecretFile(path)] as const);
  const known = new Map(await Promise.all(read));
  return (alias) => known.get(alias) ?? otherwise(alias);
}
