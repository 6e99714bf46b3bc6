// SPDX-License-Identifier: Apache-2.0
import type { Gun, KeyId } from '../tuf/index.ts';
import { KeyStoreError, PrivateKeyError } from './errors.ts';
import {
  decodeKeyFile,
  encodeKeyFile,
  type KeyFile,
  type KeyOwner,
  openKeyFile,
  relabelKeyFile,
  sealKey,
} from './key-file.ts';
import type { KeyFiles, StoredKeyFile } from './key-files.ts';
import { keyAlias, noPassphrase, type Passphrases } from './passphrases.ts';
import type { PrivateKey } from './private-key.ts';
import type { StoredKey } from './signer.ts';

/** A stored key, as its name and headers describe it without being opened. */
export interface KeyInfo {
  readonly keyId: KeyId;
  readonly role: string | undefined;
  readonly gun: Gun | undefined;
  readonly encrypted: boolean;
  /** Where it lies, for messages: a file, or a token's URI. */
  readonly path: string;
  /** The URI of the token that holds the key and never gives it away. */
  readonly token?: string;
}

export interface KeyList {
  readonly keys: readonly KeyInfo[];
  /** What lies in the store and cannot be used: reported, never fatal for the other keys. */
  readonly problems: readonly KeyStoreError[];
}

/**
 * The private keys of one user, encrypted at rest. A write is durable and visible as a whole once it resolves; one that
 * rejects has changed nothing. Keys and passphrases that were right stay in memory for the life of the object.
 * Every method rejects with KeyStoreError and nothing else, except what a Passphrases throws.
 */
export interface KeyStore {
  list(): Promise<KeyList>;
  /** Opens a key: asks for its passphrase up to 3 times, and only when no known passphrase of its alias opens it. */
  get(keyId: KeyId, passphrases: Passphrases): Promise<StoredKey>;
  /** Stores a key under its own ID, in the place of a stored one. An empty passphrase is refused. */
  add(key: PrivateKey, owner: KeyOwner, passphrase: string): Promise<void>;
  /** Forgets the key; one that is not there is no error. */
  remove(keyId: KeyId): Promise<void>;
  /** The file as it is, still encrypted, with a `path` header. */
  exportKey(keyId: KeyId): Promise<KeyFile>;
  /** Stores a file as it is. `keyId` is believed until the key is opened. Unencrypted files are refused. */
  importKey(keyId: KeyId, file: KeyFile): Promise<void>;
}

/** A store of files, which hands out the private keys themselves. */
export interface PrivateKeyStore extends KeyStore {
  get(keyId: KeyId, passphrases: Passphrases): Promise<PrivateKey>;
}

const MAX_ATTEMPTS = 3;

/** The one key store: what a key is, on top of where its file lies. */
export class FileKeyStore implements PrivateKeyStore {
  readonly #files: KeyFiles;
  readonly #opened = new Map<KeyId, PrivateKey>();
  /** By alias: keys of one role share one prompt (reference 9.3). */
  readonly #passphrases = new Map<string, string>();
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(files: KeyFiles) {
    this.#files = files;
  }

  async list(): Promise<KeyList> {
    const { files, problems } = await this.#files.list();
    const keys: KeyInfo[] = [];
    const found = [...problems];
    for (const stored of files) {
      try {
        const { role, gun, encrypted } = read(stored);
        keys.push({ keyId: stored.keyId, role, gun, encrypted, path: stored.path });
      } catch (error) {
        if (!(error instanceof KeyStoreError)) throw error;
        found.push(error);
      }
    }
    return { keys: keys.sort((a, b) => (a.keyId < b.keyId ? -1 : 1)), problems: found };
  }

  get(keyId: KeyId, passphrases: Passphrases): Promise<PrivateKey> {
    // one at a time: two prompts must not meet on one terminal, and the second may not be needed after the first
    const turn = this.#lastTurn.then(() => this.#open(keyId, passphrases));
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async #open(keyId: KeyId, passphrases: Passphrases): Promise<PrivateKey> {
    // read anew even if the key is known: it may have been removed, or exposed, in the meantime
    const stored = await this.#stored(keyId);
    const file = read(stored);
    const known = this.#opened.get(keyId);
    if (known !== undefined) return known;
    const key = file.encrypted ? await this.#decrypt(stored, file, passphrases) : await openStored(stored, file);
    if (key.keyId !== keyId) {
      throw new KeyStoreError('key-mismatch', `${stored.path} holds key ${key.keyId}`, { keyId, path: stored.path });
    }
    this.#opened.set(keyId, key);
    return key;
  }

  async #decrypt(stored: StoredKeyFile, file: KeyFile, passphrases: Passphrases): Promise<PrivateKey> {
    const role = file.role ?? '';
    const request = { alias: keyAlias(role), role, keyId: stored.keyId };
    const cached = this.#passphrases.get(request.alias);
    const known = cached === undefined ? undefined : await tryOpen(stored, file, cached);
    if (known !== undefined) return known;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const passphrase = await passphrases.existing({ ...request, attempt });
      if (passphrase === undefined && attempt === 0) throw noPassphrase(request);
      if (passphrase === undefined) break;
      const key = await tryOpen(stored, file, passphrase);
      if (key === undefined) continue;
      this.#passphrases.set(request.alias, passphrase);
      return key;
    }
    throw new KeyStoreError('wrong-passphrase', `wrong passphrase for ${request.alias} key ${stored.keyId}`, {
      keyId: stored.keyId,
      path: stored.path,
    });
  }

  async add(key: PrivateKey, owner: KeyOwner, passphrase: string): Promise<void> {
    const file = await translated(key.keyId, () => sealKey(key, owner, passphrase));
    // this is that very key: under an old passphrase it must not stay behind
    await this.#files.write(key.keyId, encodeKeyFile(file), 'remove');
    this.#opened.set(key.keyId, key);
    this.#passphrases.set(keyAlias(owner.role), passphrase);
  }

  async remove(keyId: KeyId): Promise<void> {
    await this.#files.remove(keyId);
    this.#opened.delete(keyId);
  }

  async exportKey(keyId: KeyId): Promise<KeyFile> {
    const stored = await this.#stored(keyId);
    const file = read(stored);
    return relabelKeyFile(file, { role: file.role ?? 'delegation', gun: file.gun }, keyId);
  }

  async importKey(keyId: KeyId, file: KeyFile): Promise<void> {
    if (!file.encrypted) throw new KeyStoreError('passphrase-needed', `key ${keyId} is not encrypted`, { keyId });
    const owner = { role: file.role ?? 'delegation', gun: file.gun };
    const labelled = await translated(keyId, async () => relabelKeyFile(file, owner));
    await this.#files.write(keyId, encodeKeyFile(labelled));
    this.#opened.delete(keyId);
  }

  async #stored(keyId: KeyId): Promise<StoredKeyFile> {
    const stored = await this.#files.read(keyId);
    if (stored === undefined) throw new KeyStoreError('not-found', `no private key ${keyId}`, { keyId });
    return stored;
  }
}

/** The headers, completed by what the old directory layout says. */
function read(stored: StoredKeyFile): KeyFile {
  try {
    const file = decodeKeyFile(stored.bytes);
    return { ...file, role: file.role ?? stored.role, gun: file.gun ?? stored.gun };
  } catch (error) {
    throw asStoreError(error, stored.keyId, stored.path);
  }
}

async function openStored(stored: StoredKeyFile, file: KeyFile, passphrase?: string): Promise<PrivateKey> {
  return translated(stored.keyId, () => openKeyFile(file, passphrase), stored.path);
}

/** `undefined` when the passphrase is wrong. */
async function tryOpen(stored: StoredKeyFile, file: KeyFile, passphrase: string): Promise<PrivateKey | undefined> {
  try {
    return await openStored(stored, file, passphrase);
  } catch (error) {
    if (error instanceof KeyStoreError && error.code === 'wrong-passphrase') return undefined;
    throw error;
  }
}

async function translated<T>(keyId: KeyId, work: () => Promise<T>, path?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asStoreError(error, keyId, path);
  }
}

function asStoreError(error: unknown, keyId: KeyId, path: string | undefined): unknown {
  if (!(error instanceof PrivateKeyError)) return error;
  const about = path === undefined ? { keyId } : { keyId, path };
  return new KeyStoreError(error.code, `${error.message}: ${path ?? `key ${keyId}`}`, { ...about, cause: error });
}
