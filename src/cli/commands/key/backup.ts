// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { encodeUtf8 } from '../../../encoding/index.ts';
import {
  type BackupSecret,
  collectKeys,
  createBackup,
  formatShare,
  MAX_SHARES,
  type SavedKey,
  type Share,
  wipeShares,
  writeNewPrivateFile,
} from '../../../signing/backup/index.ts';
import { sha256Hex } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { trustDirectory } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { tokenUris, userKeys } from '../../user-keys.ts';
import { backupPage } from './backup-page.ts';
import { newBackupPassphrase } from './backup-passphrase.ts';
import { checkFree } from './free-path.ts';

export interface BackupOptions {
  readonly shares?: string;
  readonly needed?: string;
  readonly page?: string;
}

/** `hallmark key backup`: all key files in one encrypted file, and a page to print beside it. */
export async function backupKeys(context: CommandContext, file: string, options: BackupOptions): Promise<void> {
  const { io, globals } = context;
  const split = splitOf(options);
  for (const path of [file, options.page]) if (path !== undefined) await checkFree(path);
  const keys = await collectKeys(trustDirectory(io, globals));
  await warnOfTokens(context);
  const secret: BackupSecret = split ?? { passphrase: await newBackupPassphrase(context) };
  const created = io.now();
  const backup = await createBackup(keys, secret, created);
  const sha256 = sha256Hex(backup.file);
  await writeNewPrivateFile(file, backup.file);
  if (options.page !== undefined) {
    const page = { file: basename(file), sha256, created, keys, shares: backup.shares };
    await writePage(options.page, backupPage(page, /\.html?$/i.test(options.page) ? 'html' : 'text'), file);
  }
  tell(context, { file, sha256, keys, shares: backup.shares, page: options.page, needed: split?.needed });
  wipeShares(backup.shares);
}

/** @throws UsageError */
function splitOf({ shares, needed }: BackupOptions): { shares: number; needed: number } | undefined {
  if (shares === undefined && needed === undefined) return undefined;
  if (shares === undefined || needed === undefined) throw new UsageError('--shares and --needed belong together');
  const [n, m] = [shares, needed].map((text) => (/^\d{1,3}$/.test(text) ? Number(text) : 0)) as [number, number];
  if (m < 2 || n < m || n > MAX_SHARES)
    throw new UsageError(
      `--shares ${shares} --needed ${needed}: give 2 or more needed, of ${MAX_SHARES} shares at most`,
    );
  return { shares: n, needed: m };
}

/** A backup in shares without its page opens for nobody, so one without the other is not left behind. */
async function writePage(path: string, text: string, backup: string): Promise<void> {
  try {
    await writeNewPrivateFile(path, encodeUtf8(text));
  } catch (error) {
    await rm(backup, { force: true });
    throw error;
  }
}

/** What lies in hardware is not in the backup. */
async function warnOfTokens({ io, globals }: CommandContext): Promise<void> {
  if (tokenUris(io, globals).length === 0) return;
  const { keys } = await userKeys(io, globals).list();
  for (const { keyId, token } of keys)
    if (token !== undefined)
      io.stderr.write(`Warning: key ${keyId} lies in ${token} and is not in the backup: no token gives a key away\n`);
}

interface Done {
  readonly file: string;
  readonly sha256: string;
  readonly keys: readonly SavedKey[];
  readonly shares: readonly Share[];
  readonly page: string | undefined;
  readonly needed: number | undefined;
}

function tell({ io, globals }: CommandContext, { file, sha256, keys, shares, page, needed }: Done): void {
  // shares that are on the page are not on the screen as well
  const texts = page === undefined ? shares.map(formatShare) : [];
  if (globals.json) {
    const saved = keys.map(({ keyId, role, gun }) => ({ keyId, role: role ?? null, gun: gun ?? null }));
    const answer = { file, sha256, keys: saved, needed: needed ?? null, shares: texts, page: page ?? null };
    io.stdout.write(jsonText(answer));
    return;
  }
  io.stdout.write(`Backed up ${keys.length} ${keys.length === 1 ? 'key' : 'keys'} to ${file}\n`);
  for (const text of texts) io.stdout.write(`${text}\n`);
  if (texts.length > 0)
    io.stderr.write(`Any ${needed} of these ${texts.length} shares restore it; they are not shown again.\n`);
  if (page !== undefined)
    io.stderr.write(`To print: ${page}${shares.length > 0 ? ', which holds all shares: delete it afterwards' : ''}\n`);
}
