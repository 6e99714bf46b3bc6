// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import {
  decodeKeyFile,
  type KeyFile,
  KeyStoreError,
  openKeyFile,
  type Passphrases,
  type PrivateKey,
  PrivateKeyError,
} from '../../signing/index.ts';
import type { Gun, KeyId } from '../../tuf/index.ts';
import { fileProblem, NotaryError } from './errors.ts';
import type { NotaryRepository } from './repository.ts';

const ATTEMPTS = 3;
/** A key in a file has no ID before it is opened. */
const NO_ID = '' as KeyId;

/**
 * Stores the private key of a file as one of `role`, under its own passphrase or, for an unencrypted file, a new one.
 * Root keys are taken encrypted only.
 * @throws NotaryError, KeyStoreError
 */
export async function takeKeyFile(
  { keys, gun }: Pick<NotaryRepository, 'keys' | 'gun'>,
  path: string,
  role: string,
): Promise<PrivateKey> {
  const file = readKeyFile(path);
  if (role === 'root' && !file.encrypted) throw new NotaryError('only encrypted root keys may be imported');
  const { key, passphrase } = file.encrypted
    ? await openEncrypted(file, keys.passphrases, role)
    : await openPlain(file, keys.passphrases, role);
  await keys.store.add(key, ownerOf(role, gun), passphrase);
  return key;
}

function ownerOf(role: string, gun: Gun): { role: string; gun?: Gun } {
  return role === 'root' ? { role } : { role, gun };
}

function readKeyFile(path: string): KeyFile {
  try {
    return decodeKeyFile(new Uint8Array(readFileSync(path)));
  } catch (cause) {
    if (cause instanceof PrivateKeyError) throw new NotaryError(`${cause.message}: ${path}`, { cause });
    throw new NotaryError(`Error reading input root key file: ${fileProblem(cause, path).message}`, { cause });
  }
}

interface Opened {
  readonly key: PrivateKey;
  readonly passphrase: string;
}

async function openEncrypted(file: KeyFile, passphrases: Passphrases, role: string): Promise<Opened> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const passphrase = await passphrases.existing({ alias: role, role, keyId: NO_ID, attempt });
    if (passphrase === undefined) break;
    try {
      return { key: await openKeyFile(file, passphrase), passphrase };
    } catch (error) {
      if (!(error instanceof PrivateKeyError) || error.code !== 'wrong-passphrase') throw keyProblem(error);
    }
  }
  throw new KeyStoreError('wrong-passphrase', `wrong passphrase for the ${role} key`);
}

async function openPlain(file: KeyFile, passphrases: Passphrases, role: string): Promise<Opened> {
  const key = await openKeyFile(file, undefined).catch((error: unknown) => {
    throw keyProblem(error);
  });
  return { key, passphrase: await passphrases.created({ alias: role, role, keyId: key.keyId }) };
}

function keyProblem(error: unknown): unknown {
  return error instanceof PrivateKeyError ? new NotaryError(error.message, { cause: error }) : error;
}
