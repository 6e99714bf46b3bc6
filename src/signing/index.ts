// SPDX-License-Identifier: Apache-2.0
/**
 * Private keys: the Signer port, the encrypted key store that Docker and Notary share, root certificates. It never
 * decides what may be signed, never asks a person by itself, and writes no key unencrypted.
 *
 *     const store = openKeyStore('/home/me/.docker/trust');
 *     const key = PrivateKey.generate();
 *     await store.add(key, { role: 'root' }, await passphrases.created({ alias: 'root', role: 'root', keyId: key.keyId }));
 *     const signer = await store.get(key.keyId, environmentPassphrases(process.env));
 *     const signature = await signer.sign(signedBytes);
 */
import * as promises from 'node:fs/promises';
import { KeyStoreError } from './errors.ts';
import { KeyDirectory } from './key-directory.ts';
import { FileKeyStore, type PrivateKeyStore } from './key-store.ts';
import { readPrivateFile } from './private-files.ts';

export { rootCertificate } from './certificate.ts';
export { KeyStoreError, type KeyStoreErrorCode, PrivateKeyError, type PrivateKeyErrorCode } from './errors.ts';
export type { KeyForm } from './key-der.ts';
export {
  decodeKeyFile,
  decodeKeyFiles,
  encodeKeyFile,
  type KeyFile,
  type KeyOwner,
  openKeyFile,
  ROLES_OF_ONE_GUN,
  relabelKeyFile,
  sealKey,
} from './key-file.ts';
export type { KeyInfo, KeyList, KeyStore, PrivateKeyStore } from './key-store.ts';
export {
  environmentPassphrases,
  keyAlias,
  type PassphraseRequest,
  type Passphrases,
  passphraseProblem,
} from './passphrases.ts';
export { PrivateKey } from './private-key.ts';
export { decodePublicKeyFile, PublicKeyFileError, type PublicKeyFileErrorCode } from './public-key-file.ts';
export type { Signer, StoredKey } from './signer.ts';

/** The keys under `<trust directory>/private`. Nothing is read or made before it is needed. */
export function openKeyStore(trustDirectory: string): PrivateKeyStore {
  return new FileKeyStore(new KeyDirectory(trustDirectory));
}

const MAX_SECRET_FILE_BYTES = 1024 * 1024;

/**
 * A file of the user's own that holds a secret: a private key, a PIN, a share.
 * @throws KeyStoreError `insecure-permissions` when others may read it (S7), `not-found`, `unreadable`
 */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  const bytes = await readPrivateFile(promises, path, MAX_SECRET_FILE_BYTES);
  if (bytes === undefined) throw new KeyStoreError('not-found', `there is no regular file ${path}`, { path });
  return bytes;
}
