// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import * as promises from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  DecodeError,
  decodeBase64,
  decodeJsonObject,
  encodeBase64,
  encodeUtf8,
  equalBytes,
} from '../../encoding/index.ts';
import { type Gun, type KeyId, MetadataError, parseKeyId } from '../../tuf/index.ts';
import { KeyStoreError, PrivateKeyError } from '../errors.ts';
import { KeyDirectory } from '../key-directory.ts';
import { decodeKeyFile, encodeKeyFile, relabelKeyFile } from '../key-file.ts';
import type { StoredKeyFile } from '../key-files.ts';
import { replacePrivateFile } from '../private-files.ts';
import { text } from './format.ts';

/** One key of a backup: its file as it lies on disk, encrypted by its own passphrase. */
export interface SavedKey {
  readonly keyId: KeyId;
  readonly role: string | undefined;
  readonly gun: Gun | undefined;
  readonly bytes: Uint8Array;
}

/**
 * Every key file of a trust directory. One that cannot be read fails the whole: a backup that lacks a key is found out
 * when it is too late.
 * @throws KeyStoreError `not-found` if there is none, `passphrase-needed` if one is not encrypted
 */
export async function collectKeys(trustDirectory: string): Promise<readonly SavedKey[]> {
  const { keys, problems } = await surveyKeys(trustDirectory);
  if (problems[0] !== undefined) throw problems[0];
  if (keys.length === 0)
    throw new KeyStoreError('not-found', `there are no key files in ${join(trustDirectory, 'private')}`);
  return keys;
}

/** The key files of a trust directory that can be kept, and why others cannot. */
export async function surveyKeys(
  trustDirectory: string,
): Promise<{ readonly keys: readonly SavedKey[]; readonly problems: readonly KeyStoreError[] }> {
  const { files, problems } = await new KeyDirectory(trustDirectory).list();
  const keys: SavedKey[] = [];
  const found = [...problems];
  for (const stored of files) {
    try {
      keys.push(savedKey(stored.keyId, completed(stored), stored.path));
    } catch (error) {
      if (!(error instanceof KeyStoreError)) throw error;
      found.push(error);
    }
  }
  return { keys, problems: found };
}

/** With the role and GUN that only the place of an old file tells. */
function completed(stored: StoredKeyFile): Uint8Array {
  const role = stored.role;
  if (role === undefined) return stored.bytes;
  const file = decodeKeyFile(stored.bytes);
  return file.role === undefined ? encodeKeyFile(relabelKeyFile(file, { role, gun: stored.gun })) : stored.bytes;
}

function savedKey(keyId: KeyId, bytes: Uint8Array, path: string): SavedKey {
  try {
    const { role, gun, encrypted } = decodeKeyFile(bytes);
    if (encrypted) return { keyId, role, gun, bytes };
  } catch (cause) {
    if (!(cause instanceof PrivateKeyError)) throw cause;
    throw new KeyStoreError(cause.code, `${cause.message}: ${path}`, { keyId, path, cause });
  }
  throw new KeyStoreError('passphrase-needed', `key ${keyId} is not encrypted: ${path}`, {
    keyId,
    path,
    remedy: `hallmark key passwd ${keyId}`,
  });
}

/** Keys as the content of a backup. */
export function encodeKeys(keys: readonly SavedKey[]): Uint8Array {
  const files = keys.map(({ keyId, bytes }) => ({ name: `${keyId}.key`, content: encodeBase64(bytes) }));
  return encodeUtf8(JSON.stringify({ files }));
}

/** @throws KeyStoreError `malformed`, `passphrase-needed` */
export function decodeKeys(content: Uint8Array): readonly SavedKey[] {
  try {
    const files = decodeJsonObject(content).get('files');
    if (!Array.isArray(files)) throw new DecodeError('files is no array');
    return files.map((file) => {
      if (!(file instanceof Map)) throw new DecodeError('a file is no object');
      const name = text(file, 'name');
      // S13: the name is a key id and nothing else before it becomes a path
      const keyId = parseKeyId(name.replace(/\.key$/, ''));
      return savedKey(keyId, decodeBase64(text(file, 'content')), name);
    });
  } catch (cause) {
    if (!(cause instanceof DecodeError) && !(cause instanceof MetadataError)) throw cause;
    throw new KeyStoreError('malformed', 'the backup opens, and what it holds is damaged', { cause });
  }
}

/** What a restoration did. */
export interface Restored {
  readonly added: readonly SavedKey[];
  /** Keys that were there already, with the same file. */
  readonly present: readonly SavedKey[];
}

/**
 * Puts keys back: all of them, or none. A directory without keys gets them in one act; one that has other keys gets
 * them one by one, and loses them again when one fails.
 * @throws KeyStoreError `exists` if another file is in the place of one; nothing was changed then
 */
export async function restoreKeys(trustDirectory: string, keys: readonly SavedKey[]): Promise<Restored> {
  const directory = new KeyDirectory(trustDirectory);
  const added: SavedKey[] = [];
  const present: SavedKey[] = [];
  const differing: KeyId[] = [];
  for (const key of keys) {
    const stored = await directory.read(key.keyId);
    if (stored === undefined) added.push(key);
    else if (equalBytes(stored.bytes, key.bytes)) present.push(key);
    else differing.push(key.keyId);
  }
  if (differing.length > 0) throw differs(trustDirectory, differing);
  if (added.length > 0) await place(trustDirectory, added);
  return { added, present };
}

function differs(trustDirectory: string, keyIds: readonly KeyId[]): KeyStoreError {
  const directory = join(trustDirectory, 'private');
  return new KeyStoreError(
    'exists',
    `${directory} has other files for the keys ${keyIds.join(', ')}: nothing was restored`,
    {
      path: directory,
      remedy: 'restore into another directory with --trust-dir DIR and compare, or remove those keys first',
    },
  );
}

async function place(trustDirectory: string, keys: readonly SavedKey[]): Promise<void> {
  const target = join(trustDirectory, 'private');
  const staging = join(trustDirectory, `.restore-${randomBytes(8).toString('hex')}`);
  try {
    for (const { keyId, bytes } of keys) await replacePrivateFile(promises, join(staging, `${keyId}.key`), bytes);
    if (await isMissing(target)) await moveWhole(staging, target);
    else await moveAll(staging, target, keys);
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause;
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new KeyStoreError('io', `cannot write ${target}: ${reason}: nothing was restored`, { path: target, cause });
  } finally {
    // what is left of it says nothing of what was restored
    await promises.rm(staging, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The whole directory in one act; taken back when the act cannot be made to last, or failed and was done all the same. */
async function moveWhole(staging: string, target: string): Promise<void> {
  try {
    await promises.rename(staging, target);
    await sync(dirname(target));
  } catch (error) {
    await promises.rename(target, staging).catch(() => undefined);
    throw error;
  }
}

async function moveAll(staging: string, target: string, keys: readonly SavedKey[]): Promise<void> {
  const moved: string[] = [];
  try {
    for (const { keyId } of keys) {
      const path = join(target, `${keyId}.key`);
      // before the move: one that fails may be done all the same
      moved.push(path);
      await promises.rename(join(staging, `${keyId}.key`), path);
    }
    await sync(target);
  } catch (error) {
    for (const path of moved) await promises.rm(path, { force: true });
    throw error;
  }
}

async function isMissing(path: string): Promise<boolean> {
  return promises.stat(path).then(
    () => false,
    () => true,
  );
}

/** Without it a power cut can undo a rename. */
async function sync(directory: string): Promise<void> {
  const handle = await promises.open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a new private file, and never over another one. @throws KeyStoreError `exists`, `io`, `disk-full`, `read-only` */
export async function writeNewPrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  if (!(await isMissing(path))) throw new KeyStoreError('exists', `${path} is there already`, { path });
  const handle = await promises.open(path, 'wx', 0o600).catch((cause: unknown) => {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new KeyStoreError('io', `cannot write ${path}: ${reason}`, { path, cause });
  });
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (cause) {
    await promises.rm(path, { force: true });
    throw new KeyStoreError('io', `cannot write ${path}`, { path, cause });
  } finally {
    await handle.close();
  }
  await sync(dirname(path));
}
