// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  decodeKeyFiles,
  type KeyFile,
  KeyStoreError,
  keyAlias,
  openKeyFile,
  openKeyStore,
  type Passphrases,
  type PrivateKey,
  PrivateKeyError,
  passphraseProblem,
  ROLES_OF_ONE_GUN,
} from '../../signing/index.ts';
import type { KeyId } from '../../tuf/index.ts';
import { trustDirectory } from '../settings.ts';
import type { TrustCommandAction } from './context.ts';
import { TrustCommandError, wrappedKeyFailure } from './errors.ts';
import { checkName } from './key-names.ts';

const DEFAULT_NAME = 'signer';
const OTHERS = 0o077;
const MAX_BYTES = 64 * 1024;
const MAX_ATTEMPTS = 3;

/**
 * `docker trust key load`. An encrypted key is opened and stored under the passphrase it had, whatever its form: Docker
 * says that it imported such a key and imports nothing, and cannot open what OpenSSL writes today. A `role` that the file
 * itself names is kept, as with Docker.
 */
export const keyLoad: TrustCommandAction = async ({ io, questions }, [path = ''], { values }) => {
  const name = values.get('name')?.at(-1) ?? DEFAULT_NAME;
  if (name !== '') checkName('key', name);
  io.stdout.write(`Loading key from "${path}"...\n`);
  const bytes = await readKeyFile(resolve(io.cwd ?? process.cwd(), path), path);
  const passphrases = questions.passphrases(io.env);
  const store = openKeyStore(trustDirectory(io, {}));
  try {
    for (const file of keysIn(bytes, path)) {
      const role = file.role ?? (name || DEFAULT_NAME);
      if (ROLES_OF_ONE_GUN.includes(role) && file.gun === undefined)
        throw new TrustCommandError(`a ${role} key belongs to one repository, and ${path} names none`);
      const { key, passphrase } = await opened(file, role, path, passphrases);
      await store.add(key, { role, gun: file.gun }, passphrase ?? (await newPassphrase(key, role, passphrases)));
    }
  } catch (error) {
    throw wrappedKeyFailure(`error importing key from ${path}`, error, path);
  }
  io.stdout.write(`Successfully imported key from ${path}\n`);
};

/** Looks at the file that it then reads, so that nobody can exchange one for the other (S7). */
async function readKeyFile(path: string, shown: string): Promise<Uint8Array> {
  const refused = (reason: string, hint?: string): TrustCommandError =>
    new TrustCommandError(`refusing to load key from ${shown}: ${reason}`, { hint });
  const handle = await open(path, 'r').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw refused(code === 'ENOENT' ? `stat ${shown}: no such file or directory` : `cannot read ${shown} (${code})`);
  });
  try {
    const { mode, size } = await handle.stat();
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      throw refused(`private key file ${shown} must not be readable or writable by others`, `chmod 600 '${shown}'`);
    }
    if (size > MAX_BYTES) throw refused(`${shown} is too long for a private key`);
    return new Uint8Array(await handle.readFile());
  } finally {
    await handle.close();
  }
}

function keysIn(bytes: Uint8Array, path: string): readonly KeyFile[] {
  const unsupported = `provided file ${path} is not a supported private key - to add a signer's public key use docker trust signer add`;
  try {
    const files = decodeKeyFiles(bytes);
    if (files.length === 0) throw new TrustCommandError(unsupported);
    return files;
  } catch (cause) {
    if (cause instanceof PrivateKeyError) throw new TrustCommandError(unsupported, { cause });
    throw cause;
  }
}

/** The key, and the passphrase that opened it where it is good enough to close it again. */
async function opened(
  file: KeyFile,
  role: string,
  path: string,
  passphrases: Passphrases,
): Promise<{ readonly key: PrivateKey; readonly passphrase?: string }> {
  if (!file.encrypted) return { key: await openKeyFile(file, undefined) };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const passphrase = await passphrases.existing({ alias: 'encrypted', role, keyId: '' as KeyId, attempt });
    if (passphrase === undefined) break;
    const key = await keyOrUndefined(file, passphrase);
    if (key !== undefined) return passphraseProblem(passphrase) === undefined ? { key, passphrase } : { key };
  }
  throw new TrustCommandError(`cannot load key from provided file ${path}: could not decrypt key`);
}

/** `undefined` when the passphrase is wrong. */
async function keyOrUndefined(file: KeyFile, passphrase: string): Promise<PrivateKey | undefined> {
  try {
    return await openKeyFile(file, passphrase);
  } catch (error) {
    if (error instanceof PrivateKeyError && error.code === 'wrong-passphrase') return undefined;
    throw error;
  }
}

async function newPassphrase({ keyId }: PrivateKey, role: string, passphrases: Passphrases): Promise<string> {
  const passphrase = await passphrases.created({ alias: keyAlias(role), role, keyId });
  if (passphrase === '') throw new KeyStoreError('passphrase-needed', 'a private key needs a passphrase', { keyId });
  return passphrase;
}
