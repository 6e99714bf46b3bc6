// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../../encoding/index.ts';
import {
  decodeKeyFiles,
  type KeyFile,
  type KeyOwner,
  KeyStoreError,
  keyAlias,
  openKeyFile,
  openKeyStore,
  type Passphrases,
  type PrivateKey,
  PrivateKeyError,
  type PrivateKeyStore,
  readSecretFile,
  relabelKeyFile,
} from '../../../signing/index.ts';
import { openToken, type Token } from '../../../signing/pkcs11/index.ts';
import { type KeyId, parseKeyId } from '../../../tuf/index.ts';
import type { CommandContext } from '../../context.ts';
import { jsonText } from '../../json-text.ts';
import { passphrasesFrom } from '../../passphrase-sources.ts';
import { trustDirectory } from '../../settings.ts';
import { UsageError } from '../../usage-error.ts';
import { userPins } from '../../user-keys.ts';
import { describeKey, ownerOf } from './chosen-keys.ts';
import { oneToken } from './one-token.ts';
import { strongPassphrases } from './strong-passphrases.ts';

export interface ImportOptions {
  readonly role?: string;
  readonly gun?: string | undefined;
}

/** A key of a file that is to be imported, opened where that was needed. */
interface Candidate {
  readonly source: string;
  readonly file: KeyFile;
  readonly owner: KeyOwner;
  readonly keyId: KeyId;
  readonly key: PrivateKey | undefined;
}

export interface Imported {
  readonly keyId: KeyId;
  readonly role: string;
  readonly gun: string | null;
  readonly file: string;
  /** Whether the very same key was there already, and nothing was written. */
  readonly wasPresent: boolean;
}

const MAX_ATTEMPTS = 3;

/** `hallmark key import`: private keys of any form that Docker, Notary and OpenSSL write, into the store or a token. */
export async function importKeys(
  context: CommandContext,
  files: readonly string[],
  options: ImportOptions,
): Promise<void> {
  const { io, globals } = context;
  const imported: Imported[] = [];
  const token = globals.token === undefined ? undefined : await tokenOf(context);
  const candidates = await readAll(context, files, options, token !== undefined);
  for (const candidate of candidates) {
    imported.push(await (token === undefined ? intoFiles(context, candidate) : intoToken(token, candidate)));
    if (!candidate.file.encrypted)
      io.stderr.write(`Warning: ${candidate.source} still holds the key without a passphrase: delete it\n`);
  }
  if (globals.json) io.stdout.write(jsonText({ imported }));
  else io.stdout.write(imported.map(line).join(''));
}

function line({ keyId, role, gun, wasPresent }: Imported): string {
  const key = describeKey({ keyId, role, gun: (gun ?? undefined) as KeyOwner['gun'] });
  return wasPresent ? `Already there: ${key}\n` : `Imported ${key}\n`;
}

/** Stores the one private key of a file, for a command that goes on with it. @throws KeyStoreError */
export async function storedFrom(context: CommandContext, source: string, options: ImportOptions): Promise<KeyId> {
  const [candidate, ...others] = await readAll(context, [source], options, false);
  if (candidate === undefined || others.length > 0)
    throw new KeyStoreError('malformed', `${source} does not hold exactly one private key`, { path: source });
  await intoFiles(context, candidate);
  return candidate.keyId;
}

/** Everything is read, and opened where it must be, before anything is written. */
async function readAll(
  { io, globals }: CommandContext,
  files: readonly string[],
  options: ImportOptions,
  mustOpen: boolean,
): Promise<readonly Candidate[]> {
  const passphrases = passphrasesFrom(io, globals);
  const candidates: Candidate[] = [];
  for (const source of files) {
    for (const file of await readKeys(source)) {
      const owner = owned(file, options);
      const named = mustOpen || !file.encrypted ? undefined : idOf(file);
      const key = named === undefined ? await opened(file, source, owner, passphrases) : undefined;
      candidates.push({ source, file, owner, key, keyId: named ?? (key as PrivateKey).keyId });
    }
  }
  return candidates;
}

/** @throws KeyStoreError `insecure-permissions` when others may read the file (S7) */
async function readKeys(source: string): Promise<readonly KeyFile[]> {
  const bytes = await readSecretFile(source);
  const files = await named(source, async () => decodeKeyFiles(bytes));
  if (files.length === 0) throw new KeyStoreError('malformed', `${source} holds no private key`, { path: source });
  return files;
}

/** Options say more than the file does. @throws UsageError */
function owned(file: KeyFile, { role, gun }: ImportOptions): KeyOwner {
  if (role !== undefined) return ownerOf(role, gun ?? (role === file.role ? file.gun : undefined));
  const stated = file.role ?? 'delegation';
  const isOfOneGun = ['targets', 'snapshot', 'timestamp'].includes(stated);
  if (isOfOneGun && (gun ?? file.gun) === undefined)
    throw new UsageError(`a ${stated} key belongs to one repository: name it with --gun`);
  return stated === 'timestamp' || !isOfOneGun ? { role: stated, gun: file.gun } : ownerOf(stated, gun ?? file.gun);
}

/** The ID by which an export names a key that is encrypted. */
function idOf({ path }: KeyFile): KeyId | undefined {
  return path !== undefined && /^[0-9a-f]{64}$/.test(path) ? parseKeyId(path) : undefined;
}

async function opened(file: KeyFile, source: string, owner: KeyOwner, passphrases: Passphrases): Promise<PrivateKey> {
  if (!file.encrypted) return named(source, () => openKeyFile(file, undefined));
  const request = { alias: keyAlias(owner.role), role: owner.role, keyId: (idOf(file) ?? '') as KeyId };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const passphrase = await passphrases.existing({ ...request, attempt });
    if (passphrase === undefined && attempt === 0)
      throw new KeyStoreError('no-passphrase', `${source} is encrypted, and no passphrase is given`, {
        path: source,
        remedy: `give --passphrase-file ${request.alias}=FILE, or run the command on a terminal`,
      });
    if (passphrase === undefined) break;
    const key = await named(source, () => openKeyFile(file, passphrase)).catch(unlessWrong);
    if (key !== undefined) return key;
  }
  throw new KeyStoreError('wrong-passphrase', `wrong passphrase for ${source}`, { path: source });
}

function unlessWrong(error: unknown): undefined {
  if (error instanceof KeyStoreError && error.code === 'wrong-passphrase') return undefined;
  throw error;
}

async function named<T>(source: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof PrivateKeyError)) throw cause;
    throw new KeyStoreError(cause.code, `${source}: ${cause.message}`, { path: source, cause });
  }
}

async function intoFiles({ io, globals }: CommandContext, candidate: Candidate): Promise<Imported> {
  const { keyId, key, file, owner, source } = candidate;
  const store = openKeyStore(trustDirectory(io, globals));
  const answer = { keyId, role: owner.role, gun: owner.gun ?? null, file: source };
  if ((await store.list()).keys.some((known) => known.keyId === keyId)) {
    await checkSame(store, candidate);
    return { ...answer, wasPresent: true };
  }
  if (file.encrypted || key === undefined) {
    await store.importKey(keyId, relabelKeyFile(file, owner));
  } else {
    const passphrases = strongPassphrases(passphrasesFrom(io, globals));
    const request = { alias: keyAlias(owner.role), role: owner.role, keyId };
    await store.add(key, owner, await passphrases.created(request));
  }
  return { ...answer, wasPresent: false };
}

/** A file that only claims to hold a key must never take the place of the key itself. */
async function checkSame(store: PrivateKeyStore, { keyId, key, file, source }: Candidate): Promise<void> {
  if (key !== undefined || equalBytes((await store.exportKey(keyId)).block.bytes, file.block.bytes)) return;
  throw new KeyStoreError('exists', `key ${keyId} is stored already, and ${source} holds another file of it`, {
    keyId,
    path: source,
    remedy: `to take this one, remove the other first: hallmark key remove ${keyId}`,
  });
}

async function tokenOf({ io, globals }: CommandContext): Promise<Token> {
  const uri = oneToken(io, globals);
  return openToken(uri, userPins(io, globals)(uri));
}

async function intoToken(token: Token, { keyId, key, owner, source }: Candidate): Promise<Imported> {
  const answer = { keyId, role: owner.role, gun: owner.gun ?? null, file: source };
  if ((await token.keys()).some((known) => known.keyId === keyId)) return { ...answer, wasPresent: true };
  await token.import(key as PrivateKey, owner);
  return { ...answer, wasPresent: false };
}
