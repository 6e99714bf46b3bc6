// SPDX-License-Identifier: Apache-2.0
import {
  type Gun,
  type KeyId,
  MetadataError,
  type PublicKey,
  parseGun,
  type RoleName,
  SNAPSHOT,
  TIMESTAMP,
} from '../../tuf/index.ts';
import { KeyStoreError } from '../errors.ts';
import {
  type ServiceKeyAlgorithm,
  ServiceKeyError,
  type ServiceKeyInfo,
  type ServiceKeys,
} from '../service-keys/index.ts';
import type { Signer } from '../signer.ts';
import { labelOf } from './key-objects.ts';
import type { Token, TokenKey } from './token.ts';

interface Held {
  key: TokenKey;
  readonly gun: Gun;
  readonly role: RoleName;
  isPending: boolean;
}

const PENDING = 'pending:';
const LABEL = /^(pending:)?(timestamp|snapshot):(.+)$/s;
/** To look for an unknown key is to read the whole token: not more often than this. */
const LIST_EVERY_MS = 1000;

/**
 * Service keys in a token, and nowhere else: made there, never to be read or copied out. The token alone says what they
 * are for, in the label of each: `timestamp:<gun>`, with `pending:` before it until the key has signed.
 */
export class TokenServiceKeys implements ServiceKeys {
  readonly #open: () => Promise<Token>;
  readonly #now: () => number;
  readonly #held = new Map<KeyId, Held>();
  #token: Promise<Token> | undefined;
  #listed = Number.NEGATIVE_INFINITY;
  #lastTurn: Promise<unknown> = Promise.resolve();

  /** @param now milliseconds that never go back */
  constructor(open: () => Promise<Token>, now: () => number = () => performance.now()) {
    this.#open = open;
    this.#now = now;
  }

  /** That the token is there and takes the PIN: told at the start and not at somebody's publish. @throws KeyStoreError */
  async check(): Promise<void> {
    await this.#with((token) => token.unlock());
    await this.#turn(() => this.#list());
  }

  /** @throws KeyStoreError, `unsupported` for ed25519 */
  create(gun: Gun, role: RoleName, algorithm: ServiceKeyAlgorithm): Promise<PublicKey> {
    return this.#turn(async () => {
      await this.#list();
      const pending = [...this.#held.values()]
        .filter((held) => held.isPending && held.gun === gun && held.role === role && held.key.algorithm === algorithm)
        .sort((a, b) => (a.key.keyId < b.key.keyId ? -1 : 1))[0];
      if (pending !== undefined) return pending.key.key;
      const label = PENDING + labelOf({ role, gun });
      const key = await this.#with((token) => token.generateLabelled(algorithm, label));
      this.#held.set(key.keyId, { key, gun, role, isPending: true });
      return key.key;
    });
  }

  /** @throws KeyStoreError */
  async signer(keyId: KeyId): Promise<Signer | undefined> {
    const held = await this.#find(keyId);
    return held && { key: held.key.key, sign: (message) => this.#sign(keyId, message) };
  }

  /** @throws KeyStoreError */
  async info(keyId: KeyId): Promise<ServiceKeyInfo | undefined> {
    const held = await this.#find(keyId);
    return held && { key: held.key.key, gun: held.gun, role: held.role, pending: held.isPending };
  }

  /** @throws KeyStoreError */
  remove(keyId: KeyId): Promise<void> {
    return this.#turn(async () => {
      await this.#list();
      const held = this.#held.get(keyId);
      if (held === undefined) return;
      this.#held.delete(keyId);
      await this.#with((token) => token.remove(held.key)).catch(unlessGone);
    });
  }

  async #sign(keyId: KeyId, message: Uint8Array): Promise<Uint8Array> {
    await this.#markUsed(keyId);
    const held = this.#held.get(keyId);
    if (held === undefined) throw gone(keyId);
    try {
      return await this.#with((token) => token.sign(held.key, message, 'metadata'));
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#held.delete(keyId);
      throw gone(keyId, error);
    }
  }

  /** Before the signature leaves: a key that has signed must never be handed out as pending again. */
  async #markUsed(keyId: KeyId): Promise<void> {
    if (this.#held.get(keyId)?.isPending !== true) return;
    await this.#turn(async () => {
      const held = this.#held.get(keyId);
      if (held?.isPending !== true) return;
      try {
        held.key = await this.#with((token) => token.relabel(held.key, labelOf(held)));
        held.isPending = false;
      } catch (error) {
        if (!isGone(error)) throw error;
        this.#held.delete(keyId);
      }
    });
  }

  async #find(keyId: KeyId): Promise<Held | undefined> {
    if (!this.#held.has(keyId) && this.#now() - this.#listed >= LIST_EVERY_MS) await this.#turn(() => this.#list());
    return this.#held.get(keyId);
  }

  /** What the token has now; another service may share it. Within a turn: what it overtakes would get lost. */
  async #list(): Promise<void> {
    const keys = await this.#with((token) => token.keys());
    this.#listed = this.#now();
    const found = keys.flatMap((key) => heldOf(key) ?? []);
    this.#held.clear();
    for (const held of found) this.#held.set(held.key.keyId, held);
  }

  /** A token that was taken out and put back is opened anew. */
  async #with<T>(work: (token: Token) => Promise<T>): Promise<T> {
    this.#token ??= this.#open();
    try {
      return await work(await this.#token);
    } catch (error) {
      if (error instanceof KeyStoreError && error.code === 'token-absent') this.#token = undefined;
      throw error;
    }
  }

  /** What makes, marks and destroys keys comes one after the other: two that ask at once get one key. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }
}

/** Undefined for what else lies in the token. */
function heldOf(key: TokenKey): Held | undefined {
  const [, pending, role, name] = LABEL.exec(key.label) ?? [];
  if (role === undefined || name === undefined) return undefined;
  try {
    const gun = parseGun(name);
    return { key, gun, role: role === 'timestamp' ? TIMESTAMP : SNAPSHOT, isPending: pending !== undefined };
  } catch (error) {
    if (error instanceof MetadataError) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof KeyStoreError && error.code === 'not-found';
}

function unlessGone(error: unknown): void {
  if (!isGone(error)) throw error;
}

function gone(keyId: KeyId, cause?: unknown): ServiceKeyError {
  return new ServiceKeyError('not-found', `key ${keyId} was removed`, { cause });
}
