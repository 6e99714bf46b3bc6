// SPDX-License-Identifier: Apache-2.0
/**
 * A backup of all key files in one encrypted file, opened by a passphrase or by m of n shares (docs/adr/0010-key-backup.md).
 * The keys inside keep their own passphrases: a backup never holds a key in the clear, and never opens one.
 *
 *     const { file, shares } = await createBackup(await collectKeys(dir), { shares: 5, needed: 3 }, new Date());
 *     const backup = decodeBackup(file);
 *     const keys = await openWithShares(backup, backup.secret, shares.slice(0, 3));
 *     await restoreKeys(otherDirectory, keys);
 */
import { KeyStoreError } from '../errors.ts';
import { wipe } from '../key-der.ts';
import {
  type Backup,
  decodeBackup,
  deriveBackupKey,
  newBackupKey,
  newPassphraseSecret,
  openBackup,
  type PassphraseSecret,
  sealBackup,
} from './format.ts';
import { decodeKeys, encodeKeys, type SavedKey } from './key-files.ts';
import { combineShares, type Share, type ShareSet, splitKey } from './shares.ts';

export { type Backup, decodeBackup, MAX_BACKUP_BYTES } from './format.ts';
export { collectKeys, restoreKeys, type SavedKey, surveyKeys, writeNewPrivateFile } from './key-files.ts';
export { findShares, formatShare, MAX_SHARES, type Share, type ShareSet, wipeShares } from './shares.ts';

/** What opens a backup that is being made: a passphrase, or shares. */
export type BackupSecret = { readonly passphrase: string } | { readonly shares: number; readonly needed: number };

/** A backup file, with the shares that open it where no passphrase does. Each call makes a new secret. */
export async function createBackup(
  keys: readonly SavedKey[],
  secret: BackupSecret,
  created: Date,
): Promise<{ readonly file: Uint8Array; readonly shares: readonly Share[] }> {
  const content = encodeKeys(keys);
  if ('passphrase' in secret) {
    const stored = newPassphraseSecret();
    const key = await deriveBackupKey(stored, secret.passphrase);
    return { file: sealed(content, key, stored, created), shares: [] };
  }
  const key = newBackupKey();
  const shares = await splitKey(key, secret.shares, secret.needed);
  const set = shares[0]?.set ?? '';
  return { file: sealed(content, key, { kind: 'shares', ...secret, set }, created), shares };
}

/** Opened once before anybody relies on it: a backup is tried when it is made, not when it is needed. */
function sealed(content: Uint8Array, key: Uint8Array, secret: Backup['secret'], created: Date): Uint8Array {
  try {
    const file = sealBackup(content, key, secret, created);
    const opened = openBackup(decodeBackup(file), key);
    if (opened === undefined || !Buffer.from(opened).equals(content)) throw new Error('a backup does not open');
    return file;
  } finally {
    wipe(key, content);
  }
}

/** The keys of a backup; undefined when the passphrase is wrong or the file damaged, which cannot be told apart. */
export async function openWithPassphrase(
  backup: Backup,
  secret: PassphraseSecret,
  passphrase: string,
): Promise<readonly SavedKey[] | undefined> {
  const key = await deriveBackupKey(secret, passphrase);
  try {
    const content = openBackup(backup, key);
    return content === undefined ? undefined : decodeKeys(content);
  } finally {
    wipe(key);
  }
}

/** @throws KeyStoreError `malformed`: too few shares, shares of another backup, a damaged backup */
export async function openWithShares(
  backup: Backup,
  set: ShareSet,
  shares: readonly Share[],
): Promise<readonly SavedKey[]> {
  const key = await combineShares(shares, set);
  try {
    const content = openBackup(backup, key);
    if (content !== undefined) return decodeKeys(content);
    throw new KeyStoreError('malformed', 'the shares do not open this backup: one of them, or the file, is damaged');
  } finally {
    wipe(key);
  }
}
