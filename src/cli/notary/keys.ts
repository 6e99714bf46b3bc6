// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import { type KeyInfo, KeyStoreError, keyAlias, openKeyStore } from '../../signing/index.ts';
import { MetadataError, parseKeyId } from '../../tuf/index.ts';
import { userKeys } from '../user-keys.ts';
import { type Call, required } from './command.ts';
import { NotaryError, NotaryUsageError } from './errors.ts';
import { notaryTable, truncatedLeft } from './tables.ts';
import { isConfirmed, notaryPassphrases } from './terminal.ts';

const GUN_WIDTH = 25;
const LOCATION_WIDTH = 40;

/** `notary key list` */
export async function list(call: Call): Promise<void> {
  if (call.args.length > 0) throw new NotaryUsageError('');
  const { keys, problems } = await userKeys(call.io, { trustDir: call.settings.trustDir }).list();
  for (const { message } of problems) call.log.warn(message);
  if (keys.length === 0) {
    call.say('\nNo signing keys found.\n\n');
    return;
  }
  const rows = [...keys]
    .sort(
      (a, b) => compare(a.gun ?? '', b.gun ?? '') || compare(a.role ?? '', b.role ?? '') || compare(a.keyId, b.keyId),
    )
    .map((key) => [
      key.role ?? '',
      truncatedLeft(key.gun ?? '', GUN_WIDTH),
      key.keyId,
      truncatedLeft(placeOf(key), LOCATION_WIDTH),
    ]);
  call.say(`\n${notaryTable(['ROLE', 'GUN', 'KEY ID', 'LOCATION'], rows)}\n`);
}

/** `notary key remove` */
export async function remove(call: Call): Promise<void> {
  const keyId = idOf(call, 'must specify the key ID of the key to remove');
  const store = openKeyStore(call.settings.trustDir);
  const key = (await store.list()).keys.find((candidate) => candidate.keyId === keyId);
  call.say('\n');
  if (key === undefined) {
    call.say('\n');
    throw new NotaryError(`No key with ID ${keyId} found`);
  }
  const named = `${keyId} (role ${key.role ?? ''}) from ${placeOf(key)}`;
  call.say(`Are you sure you want to remove ${named}?  (yes/no)  `);
  if (!(await isConfirmed(call.io))) {
    call.say('\nAborting action.\n\n');
    return;
  }
  await store.remove(key.keyId);
  call.say(`\nDeleted ${named}.\n\n`);
}

/** `notary key passwd`: the key is open before a new passphrase is asked for, and stored once it is known. */
export async function passwd(call: Call): Promise<void> {
  const keyId = idOf(call, 'must specify the key ID of the key to change the passphrase of');
  const store = openKeyStore(call.settings.trustDir);
  const passphrases = notaryPassphrases(call.io);
  const info = (await store.list()).keys.find((candidate) => candidate.keyId === keyId);
  const unknown = (cause?: unknown) =>
    new NotaryError(`could not retrieve local key for key ID provided: ${keyId}`, { cause });
  if (info === undefined) throw unknown();
  const key = await store.get(info.keyId, passphrases).catch((error: unknown) => {
    if (error instanceof KeyStoreError && error.code === 'wrong-passphrase') throw unknown(error);
    throw error;
  });
  const role = info.role ?? '';
  const passphrase = await passphrases.created({ alias: keyAlias(role), role, keyId: key.keyId });
  await store.add(key, { role: role === '' ? 'delegation' : role, gun: info.gun }, passphrase);
  call.say(`\nSuccessfully updated passphrase for key ID: ${keyId}\n`);
}

function idOf(call: Call, lacking: string): string {
  const [text] = required(call, 1, lacking);
  try {
    return parseKeyId(text);
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new NotaryError(`invalid key ID provided: ${text}`, { cause });
  }
}

/** The directory or the token that a key lies in. */
function placeOf({ path, token }: KeyInfo): string {
  return token ?? dirname(path);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
