// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  type Backup,
  decodeBackup,
  findShares,
  MAX_BACKUP_BYTES,
  openWithPassphrase,
  openWithShares,
  restoreKeys,
  type SavedKey,
  type Share,
  type ShareSet,
  wipeShares,
} from '../../../signing/backup/index.ts';
import { KeyStoreError, readSecretFile } from '../../../signing/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { isTerminal, readSecret } from '../../prompts.ts';
import { trustDirectory } from '../../settings.ts';
import { withBackupPassphrase } from './backup-passphrase.ts';
import { describeKey } from './chosen-keys.ts';

export interface RestoreOptions {
  readonly share?: readonly string[];
}

const MAX_ATTEMPTS = 3;

/** `hallmark key restore`: every key of a backup, on an empty machine or beside other keys; all of them or none. */
export async function restoreBackup(context: CommandContext, file: string, options: RestoreOptions): Promise<void> {
  const { io, globals } = context;
  const backup = decodeBackup(await readBackup(file));
  const keys = await openKeys(context, backup, options);
  const { added, present } = await restoreKeys(trustDirectory(io, globals), keys);
  const list = (saved: readonly SavedKey[]) =>
    saved.map(({ keyId, role, gun }) => ({ keyId, role: role ?? null, gun: gun ?? null }));
  if (globals.json) {
    io.stdout.write(jsonText({ restored: list(added), present: list(present) }));
    return;
  }
  for (const key of added) io.stdout.write(`Restored ${describeKey(key)}\n`);
  for (const key of present) io.stdout.write(`Already there: ${describeKey(key)}\n`);
}

/** The backup itself is no secret: it may lie on a medium that has no permissions. */
async function readBackup(path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r');
    try {
      if ((await handle.stat()).size > MAX_BACKUP_BYTES)
        throw new KeyStoreError('malformed', `${path} is too long for a key backup`, { path });
      return new Uint8Array(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause;
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new KeyStoreError('unreadable', `cannot read ${path}: ${reason}`, { path, cause });
  }
}

async function openKeys(
  context: CommandContext,
  backup: Backup,
  options: RestoreOptions,
): Promise<readonly SavedKey[]> {
  const { secret } = backup;
  if (secret.kind === 'passphrase')
    return withBackupPassphrase(context, (passphrase) => openWithPassphrase(backup, secret, passphrase));
  const shares = await sharesOf(context, secret, options.share ?? []);
  try {
    return await openWithShares(backup, secret, shares);
  } finally {
    wipeShares(shares);
  }
}

async function sharesOf(context: CommandContext, set: ShareSet, given: readonly string[]): Promise<readonly Share[]> {
  const shares: Share[] = [];
  for (const text of given) shares.push(...findShares(await textOf(text)));
  if (!isTerminal(context.io)) return shares.length > 0 ? shares : refuse(set);
  while (distinct(shares) < set.needed) shares.push(await typedShare(context, set, shares));
  return shares;
}

function distinct(shares: readonly Share[]): number {
  return new Set(shares.map(({ number }) => number)).size;
}

/** A share, or the file or printed page that holds some. */
async function textOf(text: string): Promise<string> {
  return existsSync(text) && statSync(text).isFile() ? new TextDecoder().decode(await readSecretFile(text)) : text;
}

function refuse({ needed, shares }: ShareSet): never {
  throw new KeyStoreError('no-passphrase', `${needed} of ${shares} shares open this backup, and none is given`, {
    remedy: 'give each in a file with --share FILE, or run the command on a terminal',
  });
}

async function typedShare({ io }: CommandContext, set: ShareSet, before: readonly Share[]): Promise<Share> {
  const next = distinct(before) + 1;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      const [share] = findShares(await readSecret(io, `Enter share ${next} of the ${set.needed} needed: `));
      if (share === undefined) continue;
      const isNew = !before.some((known) => known.number === share.number);
      if (share.set === set.set && isNew) return share;
      io.stderr.write(`This share ${isNew ? 'belongs to another backup' : 'was given already'}. Please retry.\n`);
    } catch (error) {
      if (!(error instanceof KeyStoreError) || error.code !== 'malformed') throw error;
      io.stderr.write(`${error.message}. Please retry.\n`);
    }
  }
  throw new KeyStoreError('wrong-passphrase', 'no share that fits this backup was given');
}
