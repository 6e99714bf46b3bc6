// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageSettings } from '../service/config/index.ts';
import { readPrivateFile, writePrivateFile } from '../service/index.ts';
import type { KeyDatabaseSettings } from '../signing/key-database/index.ts';

/** The passphrase that protects the service keys is not there, though keys may be; `path` says where it should be. */
export class MissingPassphraseError extends Error {
  override readonly name = 'MissingPassphraseError';
  readonly path: string;

  constructor(path: string) {
    super(`service keys exist but their passphrase file is gone: ${path}`);
    this.path = path;
  }
}

export interface DataDirectory {
  readonly storage: StorageSettings;
  readonly keys: KeyDatabaseSettings;
}

/** The alias of keys whose passphrase lies in the data directory. */
const FILE_ALIAS = 'local';

/**
 * A directory in which one process keeps everything: metadata in server.db, its own timestamp and snapshot keys,
 * encrypted, in signer.db. Made when missing, and private to its owner. The keys' passphrase comes from the environment as
 * for Notary's signer (reference 7.4), else from a file beside them, which is made with the first keys.
 * @throws MissingPassphraseError
 */
export async function prepareDataDirectory(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<DataDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const path = join(directory, 'signer-passphrase');
  const isKept = (await readPrivateFile(path)) !== undefined;
  const fromEnvironment = env.NOTARY_SIGNER_DEFAULT_ALIAS || undefined;
  if (!isKept && fromEnvironment === undefined) await makePassphrase(directory, path);
  return {
    storage: { engine: 'sqlite', file: join(directory, 'server.db') },
    keys: {
      storage: { engine: 'sqlite', file: join(directory, 'signer.db') },
      defaultAlias: fromEnvironment ?? FILE_ALIAS,
      passphraseFiles: isKept || fromEnvironment === undefined ? { [FILE_ALIAS]: path } : {},
    },
  };
}

async function makePassphrase(directory: string, path: string): Promise<void> {
  if (await Bun.file(join(directory, 'signer.db')).exists()) throw new MissingPassphraseError(path);
  await writePrivateFile(path, `${randomBytes(32).toString('base64url')}\n`);
}
