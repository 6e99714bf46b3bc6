// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../../tuf/index.ts';
import { KeyStoreError } from '../errors.ts';
import type { KeyFile, KeyOwner } from '../key-file.ts';
import type { KeyInfo, KeyList, KeyStore } from '../key-store.ts';
import type { Passphrases } from '../passphrases.ts';
import type { PrivateKey } from '../private-key.ts';
import type { StoredKey } from '../signer.ts';
import { ownerOf } from './key-objects.ts';
import type { Token, TokenKey } from './token.ts';
import { formatTokenUri } from './token-uri.ts';

/** Opens a token; called once, when the first key is looked for. */
export type OpenToken = () => Promise<Token>;

interface Held {
  readonly token: Token;
  readonly key: TokenKey;
}

/**
 * Key files and tokens as one store: whatever signs finds the keys of both. A key that lies in both is taken from the
 * token. New keys become files; a token that was asked for and is not there is an error, not a store without its keys.
 */
export class TokenKeyStore implements KeyStore {
  readonly #files: KeyStore;
  readonly #open: readonly OpenToken[];
  #tokens: Promise<readonly Token[]> | undefined;

  constructor(files: KeyStore, open: readonly OpenToken[]) {
    this.#files = files;
    this.#open = open;
  }

  async list(): Promise<KeyList> {
    const held = (await this.#held()).map(describeHeld);
    const { keys, problems } = await this.#files.list();
    const inTokens = new Set(held.map(({ keyId }) => keyId));
    const files = keys.filter(({ keyId }) => !inTokens.has(keyId));
    return { keys: [...held, ...files].sort((a, b) => (a.keyId < b.keyId ? -1 : 1)), problems };
  }

  async get(keyId: KeyId, passphrases: Passphrases): Promise<StoredKey> {
    const held = await this.#find(keyId);
    return held === undefined ? this.#files.get(keyId, passphrases) : tokenSigner(held);
  }

  add(key: PrivateKey, owner: KeyOwner, passphrase: string): Promise<void> {
    return this.#files.add(key, owner, passphrase);
  }

  async remove(keyId: KeyId): Promise<void> {
    const held = await this.#find(keyId);
    if (held === undefined) return this.#files.remove(keyId);
    await held.token.remove(held.key);
  }

  async exportKey(keyId: KeyId): Promise<KeyFile> {
    const held = await this.#find(keyId);
    if (held === undefined) return this.#files.exportKey(keyId);
    throw new KeyStoreError(
      'unsupported',
      `key ${keyId} lies in token ${JSON.stringify(held.token.label)}, which never gives it away`,
      {
        keyId,
      },
    );
  }

  importKey(keyId: KeyId, file: KeyFile): Promise<void> {
    return this.#files.importKey(keyId, file);
  }

  async #find(keyId: KeyId): Promise<Held | undefined> {
    return (await this.#held()).find(({ key }) => key.keyId === keyId);
  }

  async #held(): Promise<readonly Held[]> {
    this.#tokens ??= Promise.all(this.#open.map((open) => open()));
    const held: Held[] = [];
    for (const token of await this.#tokens) {
      for (const key of await token.keys())
        if (!held.some((other) => other.key.keyId === key.keyId)) held.push({ token, key });
    }
    return held;
  }
}

/** A token's key as a store lists it. */
export function describeTokenKey(token: Token, key: TokenKey): KeyInfo {
  return describeHeld({ token, key });
}

function describeHeld({ token, key }: Held): KeyInfo {
  const place = key.label === '' ? { id: key.id } : { object: key.label };
  const uri = formatTokenUri({ token: token.label, ...place });
  return { keyId: key.keyId, ...ownerOf(key.label), encrypted: true, path: uri, token: uri };
}

function tokenSigner({ token, key }: Held): StoredKey {
  const signer = { keyId: key.keyId, algorithm: key.algorithm, key: key.key };
  const sign = (message: Uint8Array) => token.sign(key, message, 'metadata');
  if (key.algorithm !== 'rsa') return { ...signer, sign };
  return { ...signer, sign, signPkcs1: (message) => token.sign(key, message, 'pkcs1') };
}
